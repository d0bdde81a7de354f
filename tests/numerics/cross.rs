//! N22: the keys and values of an encoder's output, computed once or at every step.

use super::random;
use memwall_models::reference::{Heads, Linear, attend, logits, softmax};
use ndarray::{Array2, Axis, Slice};

#[test]
fn n22_keys_and_values_of_the_encoder_may_be_computed_once() {
    let heads = Heads {
        query: 4,
        kv: 2,
        dim: 8,
    };
    let encoded = random::<f32>(91, 37, 24);
    let (keys, values) = (
        Linear::dense(random(92, 24, 16)),
        Linear::dense(random(93, 24, 16)),
    );
    let attention = |query, keys: &Array2<f32>, values: &Array2<f32>| {
        let weights = softmax(logits(query, keys.view(), heads).view());
        attend(weights.view(), values.view(), heads)
    };
    let (once_keys, once_values) = (keys.apply(encoded.view()), values.apply(encoded.view()));
    let queries = random::<f32>(94, 9, 32);
    for step in 0..9 {
        let query = queries.slice_axis(Axis(0), Slice::from(step..=step));
        let once = attention(query, &once_keys, &once_values);
        let again = attention(
            query,
            &keys.apply(encoded.view()),
            &values.apply(encoded.view()),
        );
        assert_eq!(once, again);
        // Row by row, as an encoder that streams would hand them over.
        let mut streamed = Array2::zeros((0, 16));
        for row in 0..37 {
            let row = encoded.slice_axis(Axis(0), Slice::from(row..=row));
            streamed = ndarray::concatenate![Axis(0), streamed, keys.apply(row)];
        }
        assert_eq!(streamed, once_keys);
    }
}
