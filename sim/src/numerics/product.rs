//! A product, executed as it is timed: loads copy from an image of memory into the scratchpads of the
//! cores, blocks multiply what is there, stores copy accumulators back.

use super::fault::{Chance, Fault};
use super::layout::Addresses;
use super::unit::{Count, Made};
use crate::exec::Tensor;
use crate::exec::watch::Plan;
use crate::memory::Region;
use crate::npu::mapping::{Pass, Step};
use ndarray::{Array1, Array2};

/// A matrix in memory, element by element, and what has been done to each.
struct Image {
    addresses: Addresses,
    values: Vec<f32>,
    /// Whether the element was ever multiplied, or left the accumulators.
    used: Vec<bool>,
    /// Whether it was read from memory, or written to it.
    crossed: Vec<bool>,
}

impl Image {
    fn new(plan: &Plan, tensor: Tensor) -> Image {
        let addresses = Addresses::new(plan, tensor);
        Image {
            values: vec![f32::NAN; addresses.span()],
            used: vec![false; addresses.span()],
            crossed: vec![false; addresses.span()],
            addresses,
        }
    }

    fn of(plan: &Plan, tensor: Tensor, matrix: &Array2<f32>) -> Image {
        let mut image = Image::new(plan, tensor);
        for ((row, column), value) in matrix.indexed_iter() {
            let number = image.addresses.of(row as u64, column as u64);
            image.values[number] = *value;
        }
        image
    }

    /// Elements of a region, in the order of addresses; `false` if a byte is not of this matrix.
    fn each(&self, region: &Region, mut visit: impl FnMut(usize)) -> bool {
        let element = self.addresses.element();
        let mut within = true;
        let mut run = |from: u64, to: u64| {
            let mut at = from;
            while at < to {
                match self.addresses.number(at) {
                    Some(number) => visit(number),
                    None => within = false,
                }
                at += element;
            }
        };
        match *region {
            Region::Span { from, to, .. } => run(from, to),
            Region::Strided {
                base,
                bytes,
                pieces,
                pitch,
            } => {
                for piece in 0..pieces {
                    run(base + piece * pitch, base + piece * pitch + bytes);
                }
            }
        }
        within
    }
}

/// Copies of an operand in the scratchpad of a core. Double-buffered, so that an element may be there
/// twice: for a tile in use, and for one that comes meanwhile.
#[derive(Clone)]
struct Copy {
    /// One more than the step for which an element came (0 for none), and its value: the newest last.
    elements: Vec<[(u32, f32); 2]>,
}

impl Copy {
    fn new(span: usize) -> Copy {
        Copy {
            elements: vec![[(0, f32::NAN); 2]; span],
        }
    }

    fn put(&mut self, number: usize, stamp: u32, value: f32) {
        let [_, newest] = &mut self.elements[number];
        if newest.0 == stamp {
            newest.1 = value;
        } else {
            let newest = *newest;
            self.elements[number] = [newest, (stamp, value)];
        }
    }

    /// The copy that came for a step.
    fn of(&self, number: usize, stamp: u32) -> Option<f32> {
        let copies = self.elements[number].iter();
        copies
            .rev()
            .find(|(came, _)| *came == stamp)
            .map(|(_, value)| *value)
    }
}

/// One half of the accumulators of a core: a tile of outputs.
#[derive(Clone, Default)]
struct Accumulators {
    values: Array2<f32>,
    /// Group of steps that add to it.
    group: usize,
}

struct Core {
    operands: [Copy; 3],
    /// Step for which the tile in use came, by operand.
    tile: [usize; 3],
    halves: [Accumulators; 2],
    /// Number of groups begun.
    begun: usize,
    /// Group of each step that ran a block.
    groups: Vec<usize>,
}

/// A product under way.
pub(super) struct Product {
    plan: Plan,
    activations: Image,
    weights: Image,
    partial: Image,
    outputs: Image,
    bias: Option<Array1<f32>>,
    bias_came: u64,
    cores: Vec<Core>,
    /// Core, step and tile that left each element of the outputs.
    owner: Vec<Option<(usize, Step)>>,
    broken: Option<String>,
}

impl Product {
    pub(super) fn new(
        plan: &Plan,
        activations: &Array2<f32>,
        weights: &Array2<f32>,
        bias: Option<Array1<f32>>,
    ) -> Product {
        let mut broken = None;
        let due = (plan.gemm.m as usize, plan.gemm.k as usize);
        let mut fitted = activations.to_owned();
        if activations.dim() != due {
            broken = Some(format!(
                "a product of {due:?} is given {:?}",
                activations.dim()
            ));
            fitted = Array2::from_elem(due, f32::NAN);
        }
        let activations = Image::of(plan, Tensor::Activations, &fitted);
        let weights = Image::of(plan, Tensor::Weights, weights);
        let (partial, outputs) = (
            Image::new(plan, Tensor::Partial),
            Image::new(plan, Tensor::Outputs),
        );
        let copies =
            || [&activations, &weights, &partial].map(|image| Copy::new(image.values.len()));
        let cores = (0..plan.cores).map(|_| Core {
            operands: copies(),
            tile: [0; 3],
            halves: [Accumulators::default(), Accumulators::default()],
            begun: 0,
            groups: Vec::new(),
        });
        Product {
            cores: cores.collect(),
            owner: vec![None; outputs.values.len()],
            activations,
            weights,
            partial,
            outputs,
            bias,
            bias_came: 0,
            broken,
            plan: *plan,
        }
    }

    fn complain(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// Whether a region is of the bias. Memory of which only the rate is known has all tensors at
    /// one address; there the bias is the region that ends where it does.
    fn is_bias(&self, region: &Region) -> bool {
        let (
            Some((first, last)),
            &Region::Span {
                base,
                from,
                to,
                end,
            },
        ) = (self.plan.bias, region)
        else {
            return false;
        };
        let within = first <= from && to <= last;
        let elsewhere = self.weights.addresses.number(from).is_none();
        within && (elsewhere || (base, end) == (first, last))
    }

    /// Bytes of a tile are in the scratchpad of a core.
    pub(super) fn load(
        &mut self,
        core: usize,
        step: usize,
        tensor: Tensor,
        region: Region,
        chance: &mut Chance,
    ) {
        if tensor == Tensor::Weights && self.is_bias(&region) {
            self.bias_came += region.bytes() / self.plan.gemm.element;
            return;
        }
        let lost = chance.strikes(Fault::LoseLoad);
        let shifted = chance.strikes(Fault::WrongAddress);
        let (index, image, resident) = match tensor {
            Tensor::Activations => (0, &mut self.activations, self.plan.resident.activations),
            Tensor::Weights => (1, &mut self.weights, self.plan.resident.weights),
            _ => (2, &mut self.partial, false),
        };
        let copy = &mut self.cores[core].operands[index];
        let stamp = step as u32 + 1;
        let mut numbers = Vec::new();
        let within = image.each(&region, |number| numbers.push(number));
        for &number in &numbers {
            let from = if shifted { numbers[0] } else { number };
            // A copy of an earlier tile may be the same element: its space went to other tiles.
            copy.put(number, stamp, if lost { 0.0 } else { image.values[from] });
            image.crossed[number] |= !resident;
        }
        if !within {
            self.complain(|| format!("core {core}, step {step}: a load outside of {tensor:?}"));
        }
    }

    /// The arrays multiply a block.
    pub(super) fn block(
        &mut self,
        (core, step): (usize, usize),
        of: &Step,
        pass: &Pass,
        chance: &mut Chance,
    ) {
        if self.cores[core].groups.len() <= step {
            self.begin_step(core, step, of);
        }
        let (mapping, tile) = (self.plan.mapping, of.tile);
        let [m, mut k, n] = pass.extent;
        let [top, deep, left] = pass.origin;
        if k > 1 && chance.strikes(Fault::ShortReduction) {
            k -= 1;
        }
        let (row, inner, column) = (
            tile[0] * mapping.tile_m + top,
            tile[1] * mapping.tile_k + deep,
            tile[2] * mapping.tile_n + left,
        );
        let left_operand = self.gather(core, Tensor::Activations, (row, inner), (m, k));
        let right_operand = self.gather(core, Tensor::Weights, (inner, column), (k, n));
        let products = left_operand.dot(&right_operand);
        let times = if chance.strikes(Fault::DropPartialSum) {
            0.0
        } else if chance.strikes(Fault::AddTwice) {
            2.0
        } else {
            1.0
        };
        let half = (self.cores[core].begun - 1) % 2;
        let held = &mut self.cores[core].halves[half].values;
        for ((y, x), value) in products.indexed_iter() {
            held[[top as usize + y, left as usize + x]] += times * value;
        }
    }

    /// A step takes accumulators: those of the step before, or the other half.
    fn begin_step(&mut self, core: usize, step: usize, of: &Step) {
        let new = [of.new_activations, of.new_weights, of.partial_in];
        for (tile, new) in self.cores[core].tile.iter_mut().zip(new) {
            if new {
                *tile = step;
            }
        }
        let begun = self.cores[core].begun;
        let group = if of.new_outputs { begun } else { begun - 1 };
        self.cores[core].groups.push(group);
        if !of.new_outputs {
            return;
        }
        let (m, n) = (of.m, of.n);
        let mut values = Array2::zeros((m as usize, n as usize));
        if of.partial_in {
            let at = (
                of.tile[0] * self.plan.mapping.tile_m,
                of.tile[2] * self.plan.mapping.tile_n,
            );
            values = self.gather(core, Tensor::Partial, at, (m, n));
        }
        self.cores[core].begun += 1;
        self.cores[core].halves[group % 2] = Accumulators { values, group };
    }

    /// Elements of an operand out of the scratchpad of a core.
    fn gather(
        &mut self,
        core: usize,
        tensor: Tensor,
        (row, column): (u64, u64),
        (rows, columns): (u64, u64),
    ) -> Array2<f32> {
        let (index, image, resident) = match tensor {
            Tensor::Activations => (0, &mut self.activations, self.plan.resident.activations),
            Tensor::Weights => (1, &mut self.weights, self.plan.resident.weights),
            _ => (2, &mut self.partial, false),
        };
        let in_place = resident && self.plan.in_place;
        let copy = &self.cores[core].operands[index];
        let stamp = self.cores[core].tile[index] as u32 + 1;
        let mut absent = None;
        let block = Array2::from_shape_fn((rows as usize, columns as usize), |(y, x)| {
            let number = image.addresses.of(row + y as u64, column + x as u64);
            image.used[number] = true;
            if in_place {
                return image.values[number];
            }
            copy.of(number, stamp).unwrap_or_else(|| {
                absent.get_or_insert((row + y as u64, column + x as u64));
                f32::NAN
            })
        });
        if let Some((row, column)) = absent {
            self.complain(|| {
                format!("core {core}: {tensor:?} [{row}, {column}] is used before it is there")
            });
        }
        block
    }

    /// Accumulators leave.
    pub(super) fn store(
        &mut self,
        (core, step): (usize, usize),
        of: &Step,
        tensor: Tensor,
        region: Option<Region>,
        chance: &mut Chance,
    ) {
        if chance.strikes(Fault::LoseStore) {
            return;
        }
        let group = self.cores[core].groups.get(step).copied().unwrap_or(0);
        let values = self.cores[core].halves[group % 2].values.clone();
        let stale = self.cores[core].halves[group % 2].group != group;
        if stale {
            self.complain(|| {
                format!("core {core}, step {step}: accumulators were taken too early")
            });
        }
        let image = match tensor {
            Tensor::Partial => &mut self.partial,
            _ => &mut self.outputs,
        };
        let (row, column) = (
            of.tile[0] * self.plan.mapping.tile_m,
            of.tile[2] * self.plan.mapping.tile_n,
        );
        let mut allowed = None;
        if let Some(region) = region {
            let mut numbers = std::collections::BTreeSet::new();
            image.each(&region, |number| {
                numbers.insert(number);
            });
            allowed = Some(numbers);
        }
        let mut outside = false;
        for ((y, x), value) in values.indexed_iter() {
            let (row, column) = (row + y as u64, column + x as u64);
            let number = image.addresses.of(row, column);
            if let Some(allowed) = &allowed {
                outside |= !allowed.contains(&number);
                image.crossed[number] = true;
            }
            let bias = match (&self.bias, tensor) {
                (Some(bias), Tensor::Outputs) => bias[column as usize],
                _ => 0.0,
            };
            image.values[number] = value + bias;
            image.used[number] = true;
            if tensor == Tensor::Outputs {
                self.owner[number] = Some((core, *of));
            }
        }
        if outside {
            self.complain(|| format!("core {core}, step {step}: a store outside of its tile"));
        }
    }

    /// Outputs as they lie in memory, `[m, n]`.
    fn outputs(&self) -> Array2<f32> {
        let shape = (self.plan.gemm.m as usize, self.plan.gemm.n as usize);
        Array2::from_shape_fn(shape, |(row, column)| {
            self.outputs.values[self.outputs.addresses.of(row as u64, column as u64)]
        })
    }

    /// Where the outputs were made.
    fn places(&self) -> Box<dyn Fn(usize, usize) -> String> {
        let (owner, addresses) = (self.owner.clone(), self.outputs.addresses);
        Box::new(
            move |row, column| match owner[addresses.of(row as u64, column as u64)] {
                Some((core, step)) => {
                    let [i, p, j] = step.tile;
                    format!("core {core}, tile ({i}, {p}, {j})")
                }
                None => "never stored".to_owned(),
            },
        )
    }

    /// The product as it was made.
    pub(super) fn made(&self) -> Made {
        let count = |which: &Vec<bool>| which.iter().filter(|met| **met).count() as u64;
        let images = [&self.activations, &self.weights, &self.outputs];
        Made {
            outputs: self.outputs(),
            count: Count {
                used: images.map(|image| count(&image.used)),
                crossed: images.map(|image| count(&image.crossed)),
                bias: self.bias_came,
                broken: self.broken.clone(),
            },
            place: self.places(),
        }
    }
}
