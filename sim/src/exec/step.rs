//! One step of a batch: every task's time and use, one layer standing for all.

use super::Usage;
use crate::lower::Unit;
use crate::time::Ps;

/// A task as it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskTiming {
    /// Name of the operator.
    pub name: &'static str,
    /// Expert that it belongs to, if each expert has such a task.
    pub expert: Option<usize>,
    /// Unit it ran on.
    pub unit: Unit,
    /// Duration.
    pub time: Ps,
    /// What it used.
    pub usage: Usage,
    /// How often it runs in the step.
    pub repeat: u64,
    /// Whether it belongs to the layers.
    pub in_layer: bool,
}

/// A step as it ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepTiming {
    /// Tasks in order: before the layers, one layer, after the layers.
    pub tasks: Vec<TaskTiming>,
    /// Before the layers.
    pub prologue: Ps,
    /// Duration of one layer: of the last, where they differ.
    pub layer: Ps,
    /// After the layers.
    pub epilogue: Ps,
    /// Duration of the step: one layer times the number of layers, and what is around them.
    pub total: Ps,
    /// What the whole step used, on one device.
    pub usage: Usage,
}

impl StepTiming {
    /// Adds a task.
    pub(super) fn push(&mut self, task: TaskTiming) {
        self.total += task.time.times(task.repeat);
        self.usage = self.usage.plus(task.usage, task.repeat);
        self.tasks.push(task);
    }
}
