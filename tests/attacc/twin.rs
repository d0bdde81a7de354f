//! A controller of one channel that goes through every tick and asks every constraint of the part
//! every time, written apart from the one that jumps: command by command the same.

use crate::support::part;
use memwall_sim::dram::{Command, Scope, Standard};
use memwall_sim::pim::attacc::request::{Ask, Request};
use memwall_sim::pim::attacc::stream::Stream;
use memwall_sim::pim::attacc::{Level, Parameters, Quirks, run_seen};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Log = Vec<(u64, Command, usize, u32)>;

struct Twin<'a> {
    standard: &'a Standard,
    parameters: Parameters,
    queue: Vec<Request>,
    /// Open row by the bank that is named.
    open: BTreeMap<usize, u32>,
    refreshes: Vec<usize>,
    log: Log,
}

fn is_mac(command: Command) -> bool {
    matches!(command, Command::MacAb | Command::MacSb | Command::MacPb)
}

fn is_move(command: Command) -> bool {
    use Command::{MvGb, MvSb, Sfm, WrGb};
    matches!(command, WrGb | MvSb | MvGb | Sfm)
}

impl Twin<'_> {
    /// Whether every constraint lets the command go at `now`.
    fn ready(&self, command: Command, bank: usize, now: u64) -> bool {
        let quirks = self.parameters.quirks;
        self.standard.constraints.iter().all(|rule| {
            if rule.then != command || rule.window > 1 {
                return true;
            }
            let (first, scope) = (rule.first, rule.scope);
            let beside = is_mac(first) && is_move(command) || is_move(first) && is_mac(command);
            let wide = matches!(command, Command::Ref | Command::PreAb | Command::Sfm);
            if quirks.macs_beside_moves && beside
                || quirks.checked_on_one_path && wide && scope != Scope::Channel
            {
                return true;
            }
            let last = self.log.iter().rev().find(|&&(_, earlier, at, _)| {
                earlier == first && self.meet((earlier, at), (command, bank), scope)
            });
            last.is_none_or(|&(at, ..)| at + rule.distance <= now)
        })
    }

    /// Whether two commands meet in a unit of a scope.
    fn meet(&self, a: (Command, usize), b: (Command, usize), scope: Scope) -> bool {
        let (first, second) = (self.standard.places[a.1], self.standard.places[b.1]);
        let narrow = self.parameters.quirks.checked_on_one_path
            || (a.0 == Command::Ref && b.0 == Command::Ref);
        match scope {
            Scope::Channel => true,
            Scope::PseudoChannel => !narrow || first.pseudo_channel == second.pseudo_channel,
            Scope::Rank => first.rank == second.rank,
            Scope::Group => first.group == second.group,
            Scope::Bank => {
                // Rank 1 lies beyond the 32 banks of rank 0; its steps are noted in group 1 too.
                let astray = a.1 / 32 * 4 + a.1 % 4;
                let quirk = self.parameters.quirks.per_bank_marks_astray;
                first.bank == second.bank || quirk && a.0 == Command::MacPb && astray == b.1
            }
        }
    }

    fn named(&self, request: Request) -> usize {
        match self.parameters.level {
            Level::Bank => 0,
            Level::BankGroup => usize::from(request.bank) % 4,
            Level::Buffer => usize::from(request.bank),
        }
    }

    fn wanted(&self, request: Request) -> Option<Command> {
        let level = self.parameters.level;
        Some(match request.ask {
            Ask::Barrier => return None,
            Ask::WrGb => Command::WrGb,
            Ask::MvSb => Command::MvSb,
            Ask::MvGb => Command::MvGb,
            Ask::Softmax => Command::Sfm,
            Ask::Mac => match self.open.get(&self.named(request)) {
                None => level.act(),
                Some(&row) if row == request.row => level.mac(),
                Some(_) => level.pre(),
            },
        })
    }

    fn is_row(&self, command: Command) -> bool {
        [self.parameters.level.act(), self.parameters.level.pre()].contains(&command)
    }

    fn drop_barriers(&mut self) {
        while self
            .queue
            .first()
            .is_some_and(|head| head.ask == Ask::Barrier)
        {
            self.queue.remove(0);
            if self.parameters.quirks.barriers_take_slots {
                return;
            }
        }
    }

    /// The place of the request to serve, ready or not.
    fn best(&mut self, now: u64) -> Option<(usize, bool)> {
        self.drop_barriers();
        let can = |twin: &Twin, request: Request| {
            let bank = usize::from(request.bank);
            twin.wanted(request)
                .is_none_or(|command| twin.ready(command, bank, now))
        };
        let head = *self.queue.first()?;
        if can(self, head) {
            return Some((0, true));
        }
        let hit = |request: &Request| self.wanted(*request).is_some_and(is_mac);
        let mut behind = false;
        for (place, request) in self.queue.iter().enumerate().skip(1) {
            behind |= request.ask == Ask::Barrier;
            let row = self
                .wanted(*request)
                .is_some_and(|command| self.is_row(command));
            if behind && (!row || self.parameters.quirks.rows_wait_at_barriers) {
                continue;
            }
            let kept = self
                .queue
                .iter()
                .any(|other| hit(other) && other.bank == request.bank);
            if (hit(request) || !kept) && can(self, *request) {
                return Some((place, true));
            }
        }
        Some((0, false))
    }

    /// Serves the best request; whether it took the row or the column bus.
    fn serve(&mut self, now: u64, row_bus: Option<bool>) -> Option<bool> {
        let (place, ready) = self.best(now)?;
        let request = self.queue[place];
        let command = self.wanted(request);
        if !ready {
            return None;
        }
        let Some(command) = command else {
            if row_bus.is_none() {
                self.queue.remove(place);
            }
            return None;
        };
        let row = self.is_row(command);
        if row_bus.is_some_and(|bus| bus != row) {
            return None;
        }
        let named = self.named(request);
        if command == self.parameters.level.act() {
            self.open.insert(named, request.row);
        } else if command == self.parameters.level.pre() {
            self.open.remove(&named);
        } else {
            self.queue.remove(place);
        }
        self.log
            .push((now, command, usize::from(request.bank), request.row));
        Some(row)
    }

    fn tick(&mut self, now: u64) {
        if now.is_multiple_of(self.standard.refreshes.interval) {
            self.refreshes.extend([0, 16]);
        }
        let second = |twin: &mut Twin, row: bool| {
            if twin.parameters.quirks.one_command_a_tick {
                twin.drop_barriers();
            } else {
                twin.serve(now, Some(row));
            }
        };
        if let Some(&bank) = self.refreshes.first() {
            let close = !self.open.is_empty();
            let command = if close { Command::PreAb } else { Command::Ref };
            if self.ready(command, bank, now) {
                self.log.push((now, command, bank, 0));
                self.open.clear();
                if !close {
                    self.refreshes.remove(0);
                }
            }
            second(self, false);
            return;
        }
        match self.serve(now, None) {
            Some(row) => second(self, !row),
            None => self.drop_barriers(),
        }
    }

    fn run(mut self, requests: &[Request]) -> (u64, Log) {
        let (mut next, mut now) = (0, 0);
        loop {
            while next < requests.len() && self.queue.len() < self.parameters.queue {
                self.queue.push(requests[next]);
                next += 1;
            }
            if next == requests.len() && self.queue.is_empty() && self.refreshes.is_empty() {
                return (now, self.log);
            }
            now += 1;
            assert!(now < 1_000_000, "the twin stands still");
            self.tick(now);
        }
    }
}

fn request(level: Level) -> impl Strategy<Value = Request> {
    (0u8..10, 0u8..32, 0u32..3).prop_map(move |(kind, bank, row)| {
        // Banks of the first pseudo-channel.
        let bank = bank / 16 * 32 + bank % 16;
        let (ask, bank) = match kind {
            0..6 => (Ask::Mac, [0, bank % 4, bank][level as usize]),
            6 => (Ask::WrGb, bank),
            7 => (Ask::MvSb, bank),
            8 => (if row == 0 { Ask::Softmax } else { Ask::MvGb }, bank),
            _ => (Ask::Barrier, 0),
        };
        Request { ask, bank, row }
    })
}

fn program() -> impl Strategy<Value = (Level, Vec<Request>)> {
    let level = prop_oneof![
        Just(Level::Bank),
        Just(Level::BankGroup),
        Just(Level::Buffer)
    ];
    level.prop_flat_map(|level| {
        // A request again and again makes hits, as steps along a row do.
        let runs = prop::collection::vec((request(level), 1usize..6), 1..60);
        runs.prop_map(move |runs| {
            let repeat = |(request, count)| std::iter::repeat_n(request, count);
            (level, runs.into_iter().flat_map(repeat).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn attacc_ticked_twin_gives_the_same_commands(
        (level, requests) in program(),
        mode in 0usize..3,
    ) {
        let standard = part("attacc-hbm3-5200", &[
            "organisation.channels=1",
            "timing.t_refi_tck=400",
            "timing.t_rfc_ns=40",
        ]);
        let mut parameters = Parameters::parity(level, 2);
        parameters.quirks.rows_wait_at_barriers = mode == 1;
        if mode == 2 {
            // Activation windows have a test of their own.
            parameters.queue = 32;
            parameters.quirks = Quirks { all_bank_act_outside_window: true, ..Quirks::default() };
        }
        let mut stream = Stream::new(1);
        for &request in &requests {
            stream.push(request, 0, 1);
        }
        let mut log = Log::new();
        let run = run_seen(&standard, &parameters, &stream, |seen| {
            let issued = seen.issued;
            log.push((issued.at, issued.command, issued.bank, issued.row));
        });
        let twin = Twin {
            standard: &standard,
            parameters,
            queue: Vec::new(),
            open: BTreeMap::new(),
            refreshes: Vec::new(),
            log: Log::new(),
        };
        let (ticks, expected) = twin.run(&requests);
        prop_assert_eq!(log, expected);
        prop_assert_eq!(run.ticks, ticks);
    }
}
