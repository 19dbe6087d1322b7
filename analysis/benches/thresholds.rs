//! What every method's curve costs once a tensor's values are counted: `cargo bench -p quantlens-analysis --bench
//! thresholds`. 67 tensors are as many as `MobileNetV2` quantizes; half of them are one-sided, as after a ReLU.

use std::{hint::black_box, time::Instant};

use quantlens_analysis::{
    calibrate::{DEFAULT_PERCENTILE, Method, MinMax, TensorValues, choose},
    quant::{Codes, IntegerFormat, NumberFormat, Scheme, Sign},
};

const TENSORS: usize = 67;
const VALUES: u32 = 200_000;

fn main() {
    let tensors: Vec<TensorValues> = (0..TENSORS).map(tensor).collect();
    println!("{TENSORS} tensors, int8, all candidates, all cores; seconds for all of them");
    for (name, scheme) in [("affine", Scheme::Affine), ("symmetric", Scheme::Symmetric)] {
        let format = IntegerFormat::onnxruntime(8, scheme, Sign::Signed, Codes::Full).expect("8 is a width");
        for method in Method::all().filter(|m| !matches!(m, Method::MinMax | Method::Manual)) {
            let started = Instant::now();
            let mut candidates = 0;
            for tensor in &tensors {
                let choice = black_box(choose(method, tensor, NumberFormat::Integer(format), DEFAULT_PERCENTILE));
                candidates += choice.curves.iter().map(|c| c.costs.len()).sum::<usize>();
            }
            let seconds = started.elapsed().as_secs_f64();
            println!("{name:10} {:18} {seconds:8.3} s  {candidates:7} candidates", method.name());
        }
    }
}

/// Sums of uniform numbers with a long tail, of another width each time.
#[expect(clippy::cast_possible_truncation, reason = "values are float32")]
fn tensor(index: usize) -> TensorValues {
    let golden = |i: u32, k: f64| (f64::from(i) * k).fract() - 0.5;
    let stretch = 1.0 + index as f64 * 0.1;
    let values: Vec<f32> = (0..VALUES)
        .map(|i| {
            let bell = golden(i, 0.618_033_988_75) + golden(i, 0.754_877_666) + golden(i, 0.569_840_291);
            let value = bell + (2.0 * bell).powi(5) * 0.3;
            (if index.is_multiple_of(2) { value.max(0.0) } else { value } * stretch) as f32
        })
        .collect();
    let mut seen = TensorValues::new(MinMax::of(&values).range().expect("finite values"));
    seen.observe_sample(&values);
    seen
}
