//! What a lane does in one step. Operators of the vector unit are programs of these, so that a
//! machine states the cost of an exponential once and every softmax follows.

/// An operation of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Primitive {
    /// Addition or subtraction.
    Add,
    /// Multiplication.
    Mul,
    /// Multiplication and addition.
    Mac,
    /// Larger of two, or absolute value.
    Max,
    /// Division or reciprocal.
    Div,
    /// Square root or its reciprocal.
    Sqrt,
    /// Exponential.
    Exp,
    /// GELU by a function unit.
    Gelu,
    /// SiLU by a function unit.
    Silu,
    /// Change of number format, with rounding.
    Convert,
}

impl Primitive {
    /// All of them, in the order of their declaration.
    pub const ALL: [Primitive; 10] = [
        Primitive::Add,
        Primitive::Mul,
        Primitive::Mac,
        Primitive::Max,
        Primitive::Div,
        Primitive::Sqrt,
        Primitive::Exp,
        Primitive::Gelu,
        Primitive::Silu,
        Primitive::Convert,
    ];

    /// Name in machine files.
    pub fn name(self) -> &'static str {
        match self {
            Primitive::Add => "add",
            Primitive::Mul => "mul",
            Primitive::Mac => "mac",
            Primitive::Max => "max",
            Primitive::Div => "div",
            Primitive::Sqrt => "sqrt",
            Primitive::Exp => "exp",
            Primitive::Gelu => "gelu",
            Primitive::Silu => "silu",
            Primitive::Convert => "convert",
        }
    }
}

/// Cost of one step of a primitive on all lanes of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Cycles before the pipe takes the next step.
    pub issue: u32,
    /// Cycles to the result; at least `issue`.
    pub latency: u32,
}

/// Costs of all primitives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs([Cost; Primitive::ALL.len()]);

impl Costs {
    /// One cycle each, as NeuPIMs and ONNXim configure their units.
    pub const ONE: Costs = Costs(
        [Cost {
            issue: 1,
            latency: 1,
        }; Primitive::ALL.len()],
    );

    /// Cost of `primitive`.
    pub fn of(&self, primitive: Primitive) -> Cost {
        self.0[primitive as usize]
    }

    /// Replaces the cost of `primitive`.
    pub fn set(&mut self, primitive: Primitive, cost: Cost) {
        self.0[primitive as usize] = cost;
    }
}
