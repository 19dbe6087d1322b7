//! In which order layers are asked, so that a sweep that is stopped has seen the worst ones.

use crate::{graph::LayerId, report::SampleEnergy};

/// `layers` by falling local error (Σe²/Σf² of what is known of them), those of which nothing is known last; equals stay
/// in graph order. A guess only: no value depends on it.
pub(crate) fn worst_first(layers: &mut [LayerId], local: &dyn Fn(LayerId) -> Option<SampleEnergy>) {
    let harm = |layer: &LayerId| {
        let energy = local(*layer)?;
        (energy.signal > 0.0).then(|| energy.noise / energy.signal)
    };
    let mut ranked: Vec<(f64, LayerId)> = layers.iter().map(|layer| (harm(layer).unwrap_or(-1.0), *layer)).collect();
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    layers.iter_mut().zip(ranked).for_each(|(slot, (_, layer))| *slot = layer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_relative_error_comes_first() {
        // 1/100, 1/10, nothing known, a tensor of zeros.
        let known = [Some((100.0, 1.0)), Some((10.0, 1.0)), None, Some((0.0, 1.0))];
        let mut layers = [0, 1, 2, 3];
        worst_first(&mut layers, &|l| known[l].map(|(signal, noise)| SampleEnergy { signal, noise }));
        assert_eq!(layers, [1, 0, 2, 3]);
    }
}
