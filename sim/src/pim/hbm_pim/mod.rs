//! HBM-PIM (FIMDRAM; Lee et al., ISCA 2021; Kwon et al., ISSCC 2021): modes, register files and
//! programs of 32 instructions in units between two banks.
