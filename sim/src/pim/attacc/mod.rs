//! AttAcc (Park et al., ASPLOS 2024): attention in HBM3 at bank, bank-group or buffer level, with
//! the softmax on the buffer die.
