//! What frames cost: layout with the accessibility tree (`step`), and tessellation. For benchmarks.

use std::time::{Duration, Instant};

use crate::window::Window;

/// Frames of one measurement.
const FRAMES: usize = 120;

/// Draws frames, `act` before each with its number, and prints the median, the 95th percentile and the worst of both; gives
/// the sum of the two 95th percentiles.
///
/// # Panics
/// Where a frame draws nothing.
#[expect(clippy::print_stdout, reason = "what a benchmark is for")]
pub fn measure(what: &str, window: &mut Window, act: impl Fn(&mut Window, usize)) -> Duration {
    let (mut steps, mut shapes) = (Vec::new(), Vec::new());
    for frame in 0..FRAMES {
        act(window, frame);
        let start = Instant::now();
        window.step();
        steps.push(start.elapsed());
        let shown = window.output().shapes.clone();
        let start = Instant::now();
        let primitives = window.ctx.tessellate(shown, 1.0);
        shapes.push(start.elapsed());
        assert!(!primitives.is_empty(), "nothing was drawn");
    }
    println!("{what}: step {}, tessellate {}", summary(&mut steps), summary(&mut shapes));
    at(&steps, 95) + at(&shapes, 95)
}

/// This percentile of sorted times.
fn at(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn summary(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let of = |percent: usize| 1e3 * at(times, percent).as_secs_f64();
    format!("{:.2} / p95 {:.2} / worst {:.2} ms", of(50), of(95), of(100))
}
