//! Shared resources as timelines: one call a use, in a stated order.

use crate::time::Ps;

/// Equal servers of which a task takes the one that is free first (the lowest number of equals).
#[derive(Debug, Clone)]
pub struct Pool {
    free: Vec<Ps>,
}

impl Pool {
    /// `servers` servers (at least one), free from `at`.
    pub fn new(servers: u64, at: Ps) -> Pool {
        Pool {
            free: vec![at; servers.clamp(1, 1 << 16) as usize],
        }
    }

    /// Reserves one server for `duration`, not before `earliest`; returns the end.
    pub fn reserve(&mut self, earliest: Ps, duration: Ps) -> Ps {
        let server = (0..self.free.len())
            .min_by_key(|&index| self.free[index])
            .unwrap_or(0);
        let end = self.free[server].max(earliest) + duration;
        self.free[server] = end;
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_halve_the_queue() {
        let mut pool = Pool::new(2, Ps(10));
        assert_eq!(pool.reserve(Ps(0), Ps(5)), Ps(15));
        assert_eq!(pool.reserve(Ps(0), Ps(7)), Ps(17));
        assert_eq!(pool.reserve(Ps(0), Ps(5)), Ps(20));
        assert_eq!(pool.reserve(Ps(100), Ps(5)), Ps(105));
    }
}
