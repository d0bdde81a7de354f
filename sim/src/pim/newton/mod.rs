//! The channel of the NeuPIMs artifact (NewtonSim, casys-kaist/NeuPIMs): transactions and PIM
//! commands on the same banks, with one row buffer a bank (Newton) or two (NeuPIMs).

pub mod port;
