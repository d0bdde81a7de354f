//! The controller of the published simulator gone through tick by tick, written apart from the
//! engine: bank states with the next legal tick of each kind instead of gates, every tick instead of
//! decision instants. Command traces are equal for any shape, timing, queue and number of ranks.

use super::{PARITY, with};
use memwall_sim::dram::{Command, CommandLog, Direction, Standard};
use memwall_sim::pim::hbm_pim::access::{Access, ENTER_ALL_BANK, LEAVE_ALL_BANK, MODE_COLUMN};
use memwall_sim::pim::hbm_pim::elementwise::Elementwise;
use memwall_sim::pim::hbm_pim::gemv::Gemv;
use memwall_sim::pim::hbm_pim::{
    Operation, Parameters, Transfer, observe_elementwise, observe_gemv, stream_of_channel,
};
use proptest::prelude::*;

const BANKS: usize = 16;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Active,
    /// Until the tick.
    Busy(u64),
}

#[derive(Clone, Copy)]
struct Bank {
    state: State,
    row: u32,
    read: u64,
    write: u64,
    activate: u64,
    precharge: u64,
}

/// One command: tick, command, bank, row.
type Line = (u64, Command, usize, u32);

struct Stepped<'a> {
    standard: &'a Standard,
    depth: usize,
    banks: Vec<[Bank; BANKS]>,
    queue: Vec<Access>,
    all_bank: bool,
    opened: [bool; 4],
    closed: [bool; 2],
    waiting: Option<usize>,
    countdown: Vec<u64>,
    next_rank: usize,
    pointer: (usize, usize),
    now: u64,
    done: u64,
    log: Vec<Line>,
}

impl<'a> Stepped<'a> {
    fn new(standard: &'a Standard, depth: usize) -> Stepped<'a> {
        let bank = Bank {
            state: State::Idle,
            row: 0,
            read: 0,
            write: 0,
            activate: 0,
            precharge: 0,
        };
        let ranks = standard.organisation.ranks;
        let each = standard.timing.refi / ranks as u64;
        Stepped {
            standard,
            depth,
            banks: vec![[bank; BANKS]; ranks],
            queue: Vec::new(),
            all_bank: false,
            opened: [false; 4],
            closed: [false; 2],
            waiting: None,
            countdown: (1..=ranks as u64).map(|rank| rank * each).collect(),
            next_rank: 0,
            pointer: (0, 0),
            now: 0,
            done: 0,
            log: Vec::new(),
        }
    }

    fn t(&self, name: &str) -> u64 {
        self.standard
            .parameter(name)
            .expect("a parameter of the part")
    }

    fn write(&mut self, single: Command, all: Command, rank: usize, bank: usize, row: u32) {
        let command = if self.all_bank && rank == 0 {
            all
        } else {
            single
        };
        self.log.push((self.now, command, rank * BANKS + bank, row));
    }

    fn closes(&self, rank: usize, bank: usize) -> bool {
        let bank = &self.banks[rank][bank];
        bank.state == State::Active && self.now >= bank.precharge
    }

    fn close(&mut self, rank: usize, bank: usize) {
        let until = self.now + self.t("t_rp");
        let row = self.banks[rank][bank].row;
        self.write(Command::Pre, Command::PreAb, rank, bank, row);
        let state = &mut self.banks[rank][bank];
        state.state = State::Busy(until);
        state.activate = state.activate.max(until);
        if rank == 0 && self.all_bank && row == LEAVE_ALL_BANK && bank < 2 {
            self.closed[bank] = true;
            if self.closed == [true; 2] {
                self.closed = [false; 2];
                self.all_bank = false;
            }
        }
    }

    fn column(&mut self, access: Access) {
        let (cl, cwl, burst) = (self.t("cl"), self.t("cwl"), self.t("burst"));
        let bank = usize::from(access.bank);
        let (read, write) = ((Command::Rd, Command::RdAb), (Command::Wr, Command::WrAb));
        let (single, all) = if access.write { write } else { read };
        self.write(single, all, 0, bank, access.row);
        let now = self.now;
        let recovery = if access.write {
            cwl + burst + self.t("t_wr")
        } else {
            self.t("t_rtp")
        };
        let same = self.t("t_ccd_l").max(burst);
        let other = self.t("t_ccd_s").max(burst);
        let to_write = (cl + burst + self.t("t_rtrs")).saturating_sub(cwl);
        let to_read = cwl + burst + self.t("t_wtr_l");
        for (index, state) in self.banks[0].iter_mut().enumerate() {
            let apart = if index / 4 == bank / 4 { same } else { other };
            let (read, write) = if access.write {
                (to_read, apart)
            } else {
                (apart, to_write)
            };
            state.read = state.read.max(now + read);
            state.write = state.write.max(now + write);
            if index == bank {
                state.precharge = state.precharge.max(now + recovery);
            }
        }
        let last = if access.write {
            now + cwl + burst
        } else {
            now + 1 + cl + burst
        };
        self.done = self.done.max(last);
    }

    fn activate(&mut self, access: Access) {
        let bank = usize::from(access.bank);
        self.write(Command::Act, Command::ActAb, 0, bank, access.row);
        let now = self.now;
        let (same, other) = (self.t("t_rrd_l"), self.t("t_rrd_s"));
        let [rc, ras, read, write] =
            ["t_rc", "t_ras", "t_rcd_rd", "t_rcd_wr"].map(|name| now + self.t(name));
        for (index, state) in self.banks[0].iter_mut().enumerate() {
            if index == bank {
                state.state = State::Active;
                state.row = access.row;
                state.activate = state.activate.max(rc);
                state.precharge = state.precharge.max(ras);
                state.read = state.read.max(read);
                state.write = state.write.max(write);
            } else {
                let apart = if index / 4 == bank / 4 { same } else { other };
                state.activate = state.activate.max(now + apart);
            }
        }
        if !self.all_bank && access.row == ENTER_ALL_BANK && access.column == MODE_COLUMN {
            let entries = [0, 1, 8, 9];
            let index = entries.iter().position(|&entry| entry == bank);
            self.opened[index.expect("a bank that leads there")] = true;
            if self.opened == [true; 4] {
                self.opened = [false; 4];
                self.all_bank = true;
            }
        }
    }

    fn refresh(&mut self) -> bool {
        let Some(rank) = self.waiting else {
            return false;
        };
        let active = |bank: &Bank| bank.state == State::Active;
        if self.banks[rank].iter().any(active) {
            let bank = (0..BANKS).find(|&bank| self.closes(rank, bank));
            if let Some(bank) = bank {
                self.close(rank, bank);
            }
            return bank.is_some();
        }
        self.waiting = None;
        self.log.push((self.now, Command::Ref, rank * BANKS, 0));
        let until = self.now + self.t("t_rfc");
        for bank in &mut self.banks[rank] {
            bank.state = State::Busy(until);
            bank.activate = until;
        }
        true
    }

    fn serve_queue(&mut self) -> bool {
        let fence = self.queue.iter().position(|access| access.barrier);
        let free = fence.map_or(self.queue.len(), |at| at.max(1));
        for index in 0..free {
            let access = self.queue[index];
            let bank = &self.banks[0][usize::from(access.bank)];
            let legal = if access.write { bank.write } else { bank.read };
            let hit = bank.state == State::Active && bank.row == access.row;
            let place = |a: &Access| (a.bank, a.row, a.column);
            let repeats = self.queue[..index]
                .iter()
                .any(|a| place(a) == place(&access));
            if hit && self.now >= legal && !repeats {
                self.queue.remove(index);
                self.column(access);
                return true;
            }
        }
        let fence = self.queue.iter().skip(1).position(|access| access.barrier);
        let ahead = fence.map_or(self.queue.len(), |at| at + 1);
        let opens = |access: &&Access| {
            let bank = &self.banks[0][usize::from(access.bank)];
            let address = !self.all_bank || access.bank < 2 || access.row == ENTER_ALL_BANK;
            address && bank.state == State::Idle && self.now >= bank.activate
        };
        if let Some(access) = self.queue[..ahead].iter().find(opens).copied() {
            self.activate(access);
            return true;
        }
        false
    }

    fn close_unwanted(&mut self) {
        let fence = self.queue.iter().position(|access| access.barrier);
        let seen = fence.map_or(self.queue.len(), |at| at + 1);
        let start = self.pointer;
        loop {
            let (rank, bank) = self.pointer;
            let row = self.banks[rank][bank].row;
            let wants = |a: &Access| rank == 0 && usize::from(a.bank) == bank && a.row == row;
            if !self.queue[..seen].iter().any(wants) && self.closes(rank, bank) {
                self.close(rank, bank);
                return;
            }
            self.pointer = if rank + 1 < self.banks.len() {
                (rank + 1, bank)
            } else {
                (0, (bank + 1) % BANKS)
            };
            if self.pointer == start {
                return;
            }
        }
    }

    fn run(&mut self, accesses: impl Iterator<Item = Access>) -> u64 {
        let mut coming = accesses.peekable();
        loop {
            for bank in self.banks.iter_mut().flatten() {
                if bank.state == State::Busy(self.now) {
                    bank.state = State::Idle;
                }
            }
            if self.countdown[self.next_rank] == 0 {
                self.waiting = Some(self.next_rank);
                self.countdown[self.next_rank] = self.standard.timing.refi;
                self.next_rank = (self.next_rank + 1) % self.banks.len();
            }
            if !self.refresh() && !self.serve_queue() {
                self.close_unwanted();
            }
            if self.queue.len() < self.depth {
                self.queue.extend(coming.next());
            }
            for countdown in &mut self.countdown {
                *countdown -= 1;
            }
            let over = coming.peek().is_none() && self.queue.is_empty() && self.now >= self.done;
            self.now += 1;
            if over {
                return self.now;
            }
        }
    }
}

fn lines(log: &CommandLog) -> Vec<Line> {
    let of =
        |issued: &memwall_sim::dram::Issued| (issued.at, issued.command, issued.bank, issued.row);
    log.0.iter().map(of).collect()
}

/// Where two traces part, for the message.
fn first_difference(ours: &[Line], theirs: &[Line]) -> Option<(usize, Option<Line>, Option<Line>)> {
    let length = ours.len().max(theirs.len());
    (0..length)
        .map(|at| (at, ours.get(at).copied(), theirs.get(at).copied()))
        .find(|(_, ours, theirs)| ours != theirs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn traces_are_those_of_the_stepped_controller(
        (m, k, elements) in (1u64..600, 1u64..1500, 1u64..200_000),
        (read, written) in (1u64..600_000, 1u64..60_000),
        (depth, ranks) in (1usize..65, 1u64..3),
        (rcd_rd, rcd_wr, rp) in (6u64..24, 4u64..20, 6u64..24),
        (ccd_s, ccd_more, wtr, wr) in (1u64..4, 0u64..5, 2u64..12, 8u64..24),
        (rtp, rrd, refi, rfc) in (2u64..8, 2u64..8, 1400u64..5000, 60u64..400),
    ) {
        let ras = rcd_rd + 19;
        let standard = with(PARITY, &[("channels", 4), ("ranks", ranks)], &[
            ("t_rcd_rd_tck", rcd_rd),
            ("t_rcd_wr_tck", rcd_wr),
            ("t_rp_tck", rp),
            ("t_ras_tck", ras),
            ("t_rc_tck", ras + rp),
            ("t_ccd_s_tck", ccd_s),
            ("t_ccd_l_tck", ccd_s + ccd_more),
            ("t_wtr_s_tck", wtr),
            ("t_wtr_l_tck", wtr + 5),
            ("t_wr_tck", wr),
            ("t_rtp_tck", rtp),
            ("t_rrd_s_tck", rrd),
            ("t_rrd_l_tck", rrd + 2),
            ("t_refi_tck", refi),
            ("t_rfc_tck", rfc),
        ]);
        let parameters = Parameters { queue: depth, ..Parameters::pimsimulator() };

        let mut log = CommandLog::default();
        let run = observe_gemv(&standard, &parameters, m, k, &mut log).expect("it fits");
        let mut stepped = Stepped::new(&standard, depth);
        let gemv = Gemv::new(&standard, m, k).expect("it fits");
        prop_assert_eq!(run.ticks, stepped.run(gemv.accesses(&standard)));
        prop_assert_eq!(first_difference(&lines(&log), &stepped.log), None);

        for operation in [Operation::Mul, Operation::Relu] {
            let mut log = CommandLog::default();
            let run = observe_elementwise(&standard, &parameters, operation, elements, &mut log)
                .expect("it fits");
            let mut stepped = Stepped::new(&standard, depth);
            let kernel = Elementwise::new(&standard, operation, elements).expect("it fits");
            prop_assert_eq!(run.ticks, stepped.run(kernel.accesses(&standard)));
            prop_assert_eq!(first_difference(&lines(&log), &stepped.log), None);
        }

        let transfers = [
            Transfer { direction: Direction::Read, bytes: read },
            Transfer { direction: Direction::Write, bytes: written },
        ];
        let mut log = CommandLog::default();
        let ticks = stream_of_channel(&standard, &parameters, 0, &transfers, &mut log);
        let mut stepped = Stepped::new(&standard, depth);
        // Channel 0 has every fourth burst; bank within its group first, then group, column, row.
        let bursts = |bytes: u64| bytes.div_ceil(32).div_ceil(4);
        let at = |slot: u64| ((slot % 16) as u8, (slot / 512) as u32, (slot / 16 % 32) as u16);
        stepped.run((0..bursts(read)).map(|slot| {
            let (bank, row, column) = at(slot);
            Access::read(bank, row, column)
        }));
        let first = bursts(read);
        let theirs = stepped.run((first..first + bursts(written)).map(|slot| {
            let (bank, row, column) = at(slot);
            Access { write: true, ..Access::read(bank, row, column) }
        }));
        prop_assert_eq!(ticks, Ok(theirs));
        prop_assert_eq!(first_difference(&lines(&log), &stepped.log), None);
    }
}
