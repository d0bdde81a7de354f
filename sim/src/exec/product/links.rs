//! The way between memory and the cores: DMA issue, ports, links of a mesh, the port of a shared
//! scratchpad. Each is a server of bytes; a transfer goes through all servers of its path at once
//! (cut-through) and ends with the slowest.

use crate::npu::{Cores, Topology};
use crate::time::{Clock, Ps, Tick};

/// A server on the path of a core, and the share of the bytes that go through it.
type Hop = (usize, u64, u64);

#[derive(Debug, Clone, Default)]
struct Path {
    hops: Vec<Hop>,
    latency: Tick,
}

/// Servers and paths of a machine.
#[derive(Debug, Clone)]
pub(super) struct Links {
    clock: Clock,
    /// Bytes a cycle of each server, and when it is free.
    servers: Vec<(u64, Ps)>,
    inward: Vec<Path>,
    outward: Vec<Path>,
    shared: Option<usize>,
}

impl Links {
    pub(super) fn new(clock: Clock, cores: &Cores) -> Links {
        let paths = vec![Path::default(); cores.count as usize];
        let mut links = Links {
            clock,
            servers: Vec::new(),
            inward: paths.clone(),
            outward: paths,
            shared: None,
        };
        for core in 0..cores.count as usize {
            if let Some(rate) = cores.dma.bytes_per_cycle {
                let engine = links.server(rate);
                links.inward[core].hops.push((engine, 1, 1));
                links.outward[core].hops.push((engine, 1, 1));
            }
        }
        if let Some(noc) = &cores.noc {
            match noc.topology {
                Topology::Crossbar => links.crossbar(noc.bytes_per_cycle, noc.latency),
                Topology::Mesh { columns } => {
                    let columns = columns as usize;
                    for inward in [true, false] {
                        links.mesh(columns, noc.bytes_per_cycle, noc.latency, inward);
                    }
                }
            }
        }
        if let Some(shared) = &cores.shared {
            links.shared = Some(links.server(shared.bytes_per_cycle));
        }
        links
    }

    fn server(&mut self, rate: u64) -> usize {
        self.servers.push((rate.max(1), Ps::ZERO));
        self.servers.len() - 1
    }

    fn crossbar(&mut self, rate: u64, latency: Tick) {
        for core in 0..self.inward.len() {
            let (inward, outward) = (self.server(rate), self.server(rate));
            self.inward[core].hops.push((inward, 1, 1));
            self.outward[core].hops.push((outward, 1, 1));
            self.inward[core].latency = latency;
            self.outward[core].latency = latency;
        }
    }

    /// Memory sits at the west end of every row and has an equal share of all data. Messages go
    /// along the row first, then along the column of the core.
    fn mesh(&mut self, columns: usize, rate: u64, hop: Tick, inward: bool) {
        let rows = self.inward.len() / columns;
        let mut links =
            |count: usize| -> Vec<usize> { (0..count).map(|_| self.server(rate)).collect() };
        // Into column x of a row; up and down between neighbouring rows of a column; into a core.
        let along = links(rows * columns);
        let down = links(rows * columns);
        let up = links(rows * columns);
        let ports = links(rows * columns);
        let all = rows as u64;
        for row in 0..rows {
            for column in 0..columns {
                let core = row * columns + column;
                let mut hops = vec![(ports[core], 1, 1)];
                for from in 0..rows {
                    for x in 0..=column {
                        hops.push((along[from * columns + x], 1, all));
                    }
                }
                for y in 0..row {
                    hops.push((down[y * columns + column], y as u64 + 1, all));
                }
                for y in row + 1..rows {
                    hops.push((up[y * columns + column], (rows - y) as u64, all));
                }
                let farthest = column + 1 + row.max(rows - 1 - row);
                let path = Path {
                    hops,
                    latency: hop * (farthest as Tick + 1),
                };
                let own = if inward {
                    &mut self.inward[core]
                } else {
                    &mut self.outward[core]
                };
                own.hops.extend(path.hops);
                own.latency = path.latency;
            }
        }
    }

    /// Sends `bytes` whose first may go at `begin` and whose last is there at `arrival`; returns
    /// when the last is through.
    pub(super) fn pass(
        &mut self,
        core: usize,
        inward: bool,
        bytes: u64,
        begin: Ps,
        arrival: Ps,
    ) -> Ps {
        let Links {
            clock,
            servers,
            inward: into,
            outward: out,
            ..
        } = self;
        let path = if inward { &into[core] } else { &out[core] };
        let mut end = arrival;
        for &(server, part, whole) in &path.hops {
            end = end.max(serve(
                *clock,
                &mut servers[server],
                bytes,
                (part, whole),
                begin,
            ));
        }
        end + clock.to_ps(path.latency)
    }

    /// The same through the port of the shared scratchpad.
    pub(super) fn pass_shared(&mut self, bytes: u64, begin: Ps, arrival: Ps) -> Ps {
        let clock = self.clock;
        match self.shared {
            Some(server) => {
                let server = &mut self.servers[server];
                arrival.max(serve(clock, server, bytes, (1, 1), begin))
            }
            None => arrival,
        }
    }

    /// No product that moves so many bytes into and out of each core, and so many through the
    /// shared scratchpad, is faster.
    pub(super) fn bound(&self, moved: &[[u64; 2]], shared_bytes: u64) -> Ps {
        let mut load = vec![0u128; self.servers.len()];
        for (core, [inward, outward]) in moved.iter().enumerate() {
            for (path, bytes) in [(&self.inward[core], inward), (&self.outward[core], outward)] {
                for &(server, part, whole) in &path.hops {
                    load[server] += u128::from(*bytes) * u128::from(part) / u128::from(whole);
                }
            }
        }
        if let Some(server) = self.shared {
            load[server] += u128::from(shared_bytes);
        }
        let times = load.iter().zip(&self.servers).map(|(bytes, (rate, _))| {
            let cycles = (bytes / u128::from(*rate)) as u64;
            self.clock.to_ps(cycles)
        });
        times.max().unwrap_or(Ps::ZERO)
    }
}

/// Work of a server: it is occupied from `begin`, or from when it is free.
fn serve(
    clock: Clock,
    server: &mut (u64, Ps),
    bytes: u64,
    (part, whole): (u64, u64),
    begin: Ps,
) -> Ps {
    let (rate, free) = server;
    let amount = u128::from(bytes) * u128::from(part);
    let cycles = amount.div_ceil(u128::from(*rate) * u128::from(whole)) as u64;
    *free = begin.max(*free) + clock.to_ps(cycles);
    *free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npu::{Buffering, Dma, Layout, MappingRule, Noc};

    fn links(topology: Topology, count: u64) -> Links {
        let cores = Cores {
            count,
            mapping: MappingRule::Search,
            buffering: Buffering::Tile,
            layout: Layout::Tiled,
            prefetch_weights: false,
            dma: Dma {
                request_bytes: 64,
                credits: None,
                bytes_per_cycle: None,
            },
            noc: Some(Noc {
                topology,
                bytes_per_cycle: 64,
                latency: 2,
            }),
            shared: None,
        };
        Links::new(Clock::new(1_000_000_000).unwrap(), &cores)
    }

    #[test]
    fn a_port_is_the_limit_of_its_core_alone() {
        let mut links = links(Topology::Crossbar, 2);
        assert_eq!(links.pass(0, true, 6400, Ps(0), Ps(0)), Ps(102_000));
        assert_eq!(links.pass(0, true, 6400, Ps(0), Ps(0)), Ps(202_000));
        assert_eq!(links.pass(1, true, 6400, Ps(0), Ps(0)), Ps(102_000));
        assert_eq!(links.pass(0, false, 64, Ps(0), Ps(0)), Ps(3_000));
        assert_eq!(links.bound(&[[12_800, 0], [6400, 0]], 0), Ps(200_000));
    }

    #[test]
    fn cores_of_a_row_share_its_first_link() {
        let mut links = links(Topology::Mesh { columns: 4 }, 4);
        // One row: all data of four cores comes through the link at the west end.
        let ends: Vec<Ps> = (0..4)
            .map(|core| links.pass(core, true, 6400, Ps(0), Ps(0)))
            .collect();
        assert!(ends[3] >= Ps(400_000));
        assert_eq!(links.bound(&[[6400, 0]; 4], 0), Ps(400_000));
    }
}
