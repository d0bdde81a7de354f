//! What no run can beat.
