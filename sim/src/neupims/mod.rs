//! The NeuPIMs artifact (casys-kaist/NeuPIMs) above its memory channels, operation by operation: what
//! our machines are compared with.
