//! Channels that answer everything after a while, in order: what core, interconnect and stages do
//! whatever the memory does.

use memwall_sim::neupims::{
    CHANNELS, Extents, LINE_BYTES, Machine, Mode, Model, NeuPimsError, Operator, Program, Request,
    Run, Side, Stage, programs,
};
use memwall_sim::pim::newton::port::{Answer, Ask, Port, Transaction};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Takes a transaction every `pace` ticks and answers it `delay` ticks later.
struct Steady {
    now: u64,
    queue: VecDeque<Transaction>,
    room: usize,
    pace: u64,
    delay: u64,
    answers: VecDeque<Answer>,
    /// Transactions taken, of all channels: reads, writes, headers, others of PIM.
    taken: Rc<[Cell<u64>; 4]>,
}

impl Port for Steady {
    fn has_room(&self, _: Ask) -> bool {
        self.queue.len() < self.room
    }

    fn offer(&mut self, transaction: Transaction) {
        assert!(self.has_room(transaction.ask), "offered without room");
        let kind = match transaction.ask {
            Ask::Read => 0,
            Ask::Write => 1,
            Ask::Header { .. } => 2,
            _ => 3,
        };
        self.taken[kind].set(self.taken[kind].get() + 1);
        self.queue.push_back(transaction);
    }

    fn tick(&mut self) {
        if self.now.is_multiple_of(self.pace)
            && let Some(transaction) = self.queue.pop_front()
            && !matches!(transaction.ask, Ask::Header { .. })
        {
            self.answers.push_back(Answer {
                tag: transaction.tag,
                at: self.now + self.delay,
            });
        }
        self.now += 1;
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn answer(&mut self) -> Option<Answer> {
        self.answers.pop_front_if(|answer| answer.at < self.now)
    }
}

#[derive(Debug, Clone, Copy)]
struct Memory {
    room: usize,
    pace: u64,
    delay: u64,
}

const FAST: Memory = Memory {
    room: 32,
    pace: 1,
    delay: 16,
};

fn run(
    memory: Memory,
    mode: Mode,
    model: &Model,
    stages: Vec<(Stage, Program)>,
) -> (Result<Run, NeuPimsError>, [u64; 4]) {
    let taken = Rc::new([const { Cell::new(0) }; 4]);
    let port = || Steady {
        now: 0,
        queue: VecDeque::new(),
        room: memory.room,
        pace: memory.pace,
        delay: memory.delay,
        answers: VecDeque::new(),
        taken: Rc::clone(&taken),
    };
    let run = Machine::new(port, mode, model.address_space()).run(stages);
    let taken = [0, 1, 2, 3].map(|kind: usize| taken[kind].get());
    (run, taken)
}

const SMALL: Model = Model {
    embedding: 256,
    heads: 4,
    devices: 2,
};

fn memories() -> impl Strategy<Value = Memory> {
    (1usize..40, 1u64..4, 1u64..100).prop_map(|(room, pace, delay)| Memory { room, pace, delay })
}

fn batches() -> impl Strategy<Value = Vec<Request>> {
    let request =
        (0..CHANNELS, 1u64..700).prop_map(|(channel, tokens)| Request { channel, tokens });
    proptest::collection::vec(request, 2..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Every transaction sent is taken, every operator of every stage ends, in order, and what the
    /// logs count is what the channels took.
    #[test]
    fn nothing_is_lost(memory in memories(), requests in batches(), split in any::<bool>()) {
        let mode = if split { Mode::SubBatches } else { Mode::OneBatch };
        let stages = programs(&SMALL, &requests, mode, mode.stages()).unwrap();
        let names: Vec<Vec<&str>> = stages
            .iter()
            .map(|(_, program)| program.array.iter().chain(&program.pim).map(|o| o.name).collect())
            .collect();
        let (run, taken) = run(memory, mode, &SMALL, stages);
        let run = run.unwrap();
        for (stage, names) in run.stages.iter().zip(&names) {
            prop_assert_eq!(stage.operators.len(), names.len());
            for side in [Side::Array, Side::Pim] {
                let logs = || stage.operators.iter().filter(|log| log.side == side);
                prop_assert!(logs().zip(logs().skip(1)).all(|(a, b)| a.end <= b.start));
            }
            let mut ran: Vec<&str> = stage.operators.iter().map(|log| log.name).collect();
            let mut wanted = names.clone();
            ran.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(ran, wanted);
        }
        let logs = || run.stages.iter().flat_map(|stage| &stage.operators);
        let read: u64 = logs().map(|log| log.read_bytes).sum();
        let written: u64 = logs().map(|log| log.write_bytes).sum();
        prop_assert_eq!(read, taken[0] * LINE_BYTES);
        prop_assert_eq!(written, taken[1] * LINE_BYTES);
        // A header a tile of keys and a tile of values, each time a request is attended.
        let passes = if split { 2 } else { 1 };
        let tiles = requests.iter().map(|r| r.tokens.div_ceil(32) + 2 * r.tokens.div_ceil(512) * 2);
        prop_assert_eq!(taken[2], passes * tiles.sum::<u64>());
    }

    /// The same run twice gives the same logs.
    #[test]
    fn runs_repeat(memory in memories(), requests in batches()) {
        let mode = Mode::SubBatches;
        let stages = programs(&SMALL, &requests, mode, mode.stages()).unwrap();
        let first = run(memory, mode, &SMALL, stages.clone()).0;
        prop_assert_eq!(first, run(memory, mode, &SMALL, stages).0);
    }
}

/// A product whose operands arrive at once takes the pipe's own time: fill, then a block of weights
/// every sixteen cycles and 128 for each change of the activations.
#[test]
fn a_product_that_memory_does_not_hold_up_takes_the_pipes_time() {
    // One block of activations, so that the first 128 rows wait for memory and the others do not.
    let cycles = |m| {
        let extents = Extents {
            m,
            k: 1024,
            n: 1024,
        };
        let product = Operator::product("fc1", extents).unwrap();
        let program = Program::of_array(vec![product]);
        let (run, _) = run(FAST, Mode::OneBatch, &SMALL, vec![(Stage::A, program)]);
        let log = run.unwrap().stages[0].operators[0];
        log.end - log.start
    };
    // Eight blocks along the reduction, each with seven streamed behind the preload.
    let rows = 8 * (128 + 7 * 16);
    assert_eq!(cycles(384) - cycles(256), rows);
    assert_eq!(cycles(512) - cycles(384), rows);
}

/// Channels that never answer are given up.
#[test]
fn a_memory_that_never_answers_is_an_error() {
    let never = Memory {
        delay: u64::MAX / 2,
        ..FAST
    };
    let product = Operator::product("fc1", Extents { m: 1, k: 1, n: 1 }).unwrap();
    let stages = vec![(Stage::A, Program::of_array(vec![product]))];
    let (run, _) = run(never, Mode::OneBatch, &SMALL, stages);
    assert!(matches!(run, Err(NeuPimsError::Stalled(_))));
}
