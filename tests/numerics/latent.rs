//! Latent attention: unfolded keys and values against the folded form of decode.

use super::{apart, random};
use memwall_models::reference::{Latent, LatentHeads, Pairing, Rotary, Scaling, causal};

#[test]
fn the_absorbed_form_is_the_expanded_one() {
    let heads = LatentHeads {
        count: 4,
        plain: 16,
        rotated: 8,
        value: 12,
    };
    let (tokens, attended, rank) = (3, 20, 24);
    let rotary = Rotary::new(8, 10_000.0, Scaling::None, Pairing::Interleaved);
    let positions: Vec<u64> = (0..attended as u64).collect();
    let queries = random::<f64>(81, tokens, 4 * 8);
    let rotated_queries = rotary.apply(queries.view(), &positions[attended - tokens..]);
    let rotated_keys = rotary.apply(random::<f64>(82, attended, 8).view(), &positions);
    let (plain, latent) = (random(83, tokens, 4 * 16), random(84, attended, rank));
    let unfold = random::<f64>(85, rank, 4 * (16 + 12));
    let latent = Latent {
        plain_queries: plain.view(),
        rotated_queries: rotated_queries.view(),
        latent: latent.view(),
        rotated_keys: rotated_keys.view(),
        unfold: unfold.view(),
    };
    let sees = |token, key| causal(attended - tokens + token, key, None);
    let (expanded, absorbed) = (latent.expanded(heads, sees), latent.absorbed(heads, sees));
    assert_eq!(expanded.dim(), (tokens, 4 * 12));
    let error = apart(absorbed.view(), expanded.view());
    assert!(error <= 1e-11, "{error:e}");
    // Without its mask the last token alone is the same: the others see too much.
    let open = latent.expanded(heads, |_, _| true);
    assert_eq!(open.row(tokens - 1), expanded.row(tokens - 1));
    assert_ne!(open.row(0), expanded.row(0));
}
