//! Requests, the rows that hold their keys and values, and the split into two sub-batches.

use super::NeuPimsError;
use super::address::CHANNELS;
use super::model::Model;

/// Banks of a channel; a tile opens a row in each.
pub(super) const BANKS: u64 = 32;
/// Elements of a row.
pub(super) const ROW_ELEMENTS: u64 = 512;
/// Rows of a bank.
const ROWS: u64 = 32_768;
/// First row of keys and values: 512 MiB of activations lie below it, and the weights, whose
/// allocator counts lines of all channels where it means bytes, less than a row of all banks.
const FIRST_ROW: u64 = 513;

/// A decoding request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Channel that holds its keys and values.
    pub channel: usize,
    /// Tokens attended.
    pub tokens: u64,
}

/// A request with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) request: Request,
    /// First row of its keys, and of its values.
    pub(super) keys: u32,
    pub(super) values: u32,
}

/// Gives every request rows of its channel: keys, then values, for all heads of the model although a
/// device has a share of them. Sorted by channel, as the artifact keeps them.
pub(super) fn place(model: &Model, requests: &[Request]) -> Result<Vec<Placed>, NeuPimsError> {
    let mut next = [FIRST_ROW; CHANNELS];
    let mut placed = Vec::new();
    for request in requests {
        let Some(free) = next.get_mut(request.channel) else {
            return Err(NeuPimsError::Channel(request.channel));
        };
        let keys = *free;
        let values = keys + request.tokens.div_ceil(BANKS) * model.embedding.div_ceil(ROW_ELEMENTS);
        *free = values + request.tokens.div_ceil(ROW_ELEMENTS) * model.embedding.div_ceil(BANKS);
        if *free > ROWS {
            return Err(NeuPimsError::Rows(request.channel));
        }
        placed.push(Placed {
            request: *request,
            keys: keys as u32,
            values: values as u32,
        });
    }
    placed.sort_by_key(|placed| placed.request.channel);
    Ok(placed)
}

/// The first half of each channel's requests and the second; of odd numbers the larger half goes to
/// the one and the other in turn.
pub(super) fn halves(placed: &[Placed]) -> [Vec<Placed>; 2] {
    let mut halves = [Vec::new(), Vec::new()];
    let mut more_first = true;
    for of_channel in placed.chunk_by(|a, b| a.request.channel == b.request.channel) {
        let mut first = of_channel.len() / 2;
        if !of_channel.len().is_multiple_of(2) {
            first += usize::from(more_first);
            more_first = !more_first;
        }
        halves[0].extend(&of_channel[..first]);
        halves[1].extend(&of_channel[first..]);
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No request is lost or doubled, rows are distinct, and halves differ by one in a channel.
        #[test]
        fn requests_are_split_and_placed(requests in proptest::collection::vec((0usize..4, 1u64..3000), 0..40)) {
            let requests: Vec<Request> = requests
                .into_iter()
                .map(|(channel, tokens)| Request { channel, tokens })
                .collect();
            let placed = place(&Model::GPT3_7B_TP4, &requests).unwrap();
            let [first, second] = halves(&placed);
            prop_assert_eq!(first.len() + second.len(), requests.len());
            for channel in 0..4 {
                let of = |half: &[Placed]| half.iter().filter(|p| p.request.channel == channel).count();
                prop_assert!(of(&first).abs_diff(of(&second)) <= 1);
                let mut spans: Vec<(u32, u32)> = placed
                    .iter()
                    .filter(|placed| placed.request.channel == channel)
                    .map(|placed| (placed.keys, placed.values))
                    .collect();
                spans.sort_unstable();
                prop_assert!(spans.iter().all(|(keys, values)| keys < values));
                prop_assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0));
            }
        }
    }

    #[test]
    fn requests_beyond_the_memory_are_an_error() {
        let one = |channel, tokens| [Request { channel, tokens }];
        let model = Model::GPT3_7B_TP4;
        assert_eq!(place(&model, &one(32, 1)), Err(NeuPimsError::Channel(32)));
        assert_eq!(place(&model, &one(3, 1 << 20)), Err(NeuPimsError::Rows(3)));
    }
}
