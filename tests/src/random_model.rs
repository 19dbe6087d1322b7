//! Small convolutional networks that a seed determines, of the pieces on which quantizers are easy to get wrong: folded
//! batch norms, fused activations, weights and tensors with several readers, shared scales, tensors that are read and
//! are outputs too.

use crate::{
    models::{Builder, float, int, ints},
    seeded::Seeded,
};

/// Side of every picture inside the network.
const SIDE: usize = 6;
/// Channels of the input.
const CHANNELS: usize = 3;
/// Lengths of one sample.
pub const SAMPLE: [usize; 3] = [CHANNELS, SIDE, SIDE];

/// A tensor that later nodes may read.
#[derive(Clone, Debug)]
struct Live {
    name: String,
    channels: usize,
}

struct Maker {
    builder: Builder,
    seeded: Seeded,
    live: Vec<Live>,
    /// 1×1 weights used before, `(name, out, in)`, so that another Conv can share them.
    weights: Vec<(String, usize, usize)>,
    count: usize,
    opset: i64,
}

/// A network of `blocks` random blocks and a classifier; input `x`.
pub fn random_model(seed: u64, blocks: usize) -> Builder {
    let mut seeded = Seeded::new(seed);
    let opset = *seeded.one(&[7, 9, 10, 11, 13, 17, 21]);
    let mut builder = Builder::new(opset);
    let shape = SAMPLE.map(|d| i64::try_from(d).unwrap_or(0));
    builder.input("x", &shape);
    let input = Live { name: "x".into(), channels: CHANNELS };
    let mut maker = Maker { builder, seeded, live: vec![input.clone()], weights: Vec::new(), count: 0, opset };
    maker.conv(&input);
    for _ in 0..blocks {
        maker.block();
    }
    maker.classifier();
    maker.builder
}

impl Maker {
    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}{}", self.count)
    }

    /// One of the last tensors, so that the network grows deep.
    fn pick(&mut self) -> Live {
        let first = self.live.len().saturating_sub(4);
        let at = first + self.seeded.below(self.live.len() - first);
        self.live[at].clone()
    }

    /// Adds a node on `inputs` and hands its output on.
    fn emit(
        &mut self,
        op: &str,
        inputs: &[&str],
        channels: usize,
        attributes: Vec<quantlens_analysis::onnx::proto::AttributeProto>,
    ) -> Live {
        let name = self.fresh(&op.to_lowercase());
        self.builder.node(op, inputs, &name, attributes);
        let made = Live { name, channels };
        self.live.push(made.clone());
        made
    }

    fn block(&mut self) {
        let from = self.pick();
        match self.seeded.below(11) {
            0..=2 => self.conv(&from),
            3 => self.shared_conv(&from),
            4 => self.depthwise(&from),
            5 => self.transposed(&from),
            6 => self.join(&from),
            7 => {
                let window = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1])];
                self.emit("MaxPool", &[&from.name], from.channels, window);
            }
            8 => {
                let op = *self.seeded.one(&["Sigmoid", "Identity", "LeakyRelu"]);
                self.emit(op, &[&from.name], from.channels, Vec::new());
            }
            9 => {
                let constant = self.fresh("k");
                let values = self.seeded.units(from.channels, 2.0);
                self.builder.constant(&constant, &[1, from.channels, 1, 1], values);
                self.emit("Mul", &[&from.name, &constant], from.channels, Vec::new());
            }
            _ => {
                // An output that others read too: its own name must stay with the dequantized value.
                if from.name != "x" && !self.is_output(&from.name) {
                    self.builder.output(&from.name);
                }
            }
        }
    }

    fn is_output(&self, name: &str) -> bool {
        self.builder.model().graph.is_some_and(|g| g.output.iter().any(|o| o.name.as_deref() == Some(name)))
    }

    /// Conv 3×3, perhaps with bias, batch norm and activation.
    fn conv(&mut self, from: &Live) {
        let out = 2 + self.seeded.below(4);
        let weight = self.weight(&[out, from.channels, 3, 3]);
        let inputs = self.with_bias(&from.name, &weight, out);
        let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let made = self.emit("Conv", &names, out, vec![ints("pads", &[1, 1, 1, 1])]);
        self.finish(&made);
    }

    /// Conv 1×1 with a weight that another one may have already.
    fn shared_conv(&mut self, from: &Live) {
        let known = self.weights.iter().find(|(_, _, channels)| *channels == from.channels).cloned();
        let (weight, out, _) = known.unwrap_or_else(|| {
            let out = from.channels;
            let name = self.weight(&[out, from.channels, 1, 1]);
            self.weights.push((name.clone(), out, from.channels));
            (name, out, from.channels)
        });
        let made = self.emit("Conv", &[&from.name, &weight], out, Vec::new());
        self.finish(&made);
    }

    fn depthwise(&mut self, from: &Live) {
        let weight = self.weight(&[from.channels, 1, 3, 3]);
        let groups = i64::try_from(from.channels).unwrap_or(1);
        let attributes = vec![ints("pads", &[1, 1, 1, 1]), int("group", groups)];
        let made = self.emit("Conv", &[&from.name, &weight], from.channels, attributes);
        self.finish(&made);
    }

    fn transposed(&mut self, from: &Live) {
        let out = 2 + self.seeded.below(3);
        let weight = self.weight(&[from.channels, out, 3, 3]);
        let inputs = self.with_bias(&from.name, &weight, out);
        let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let made = self.emit("ConvTranspose", &names, out, vec![ints("pads", &[1, 1, 1, 1])]);
        self.finish(&made);
    }

    /// Add where another tensor has as many channels (itself in the worst case), or Concat.
    fn join(&mut self, from: &Live) {
        let other = self.pick();
        if other.channels == from.channels {
            self.emit("Add", &[&from.name, &other.name], from.channels, Vec::new());
        } else {
            let channels = from.channels + other.channels;
            self.emit("Concat", &[&from.name, &other.name], channels, vec![int("axis", 1)]);
        }
    }

    /// A weight whose channels have very different sizes, as depthwise ones do.
    fn weight(&mut self, shape: &[usize]) -> String {
        let name = self.fresh("w");
        let inner: usize = shape.iter().skip(1).product();
        let values = (0..shape[0]).flat_map(|_| {
            let size = [0.05, 0.3, 1.0][self.seeded.below(3)];
            self.seeded.units(inner, size)
        });
        let values = values.collect();
        self.builder.constant(&name, shape, values);
        name
    }

    fn with_bias(&mut self, input: &str, weight: &str, channels: usize) -> Vec<String> {
        let mut inputs = vec![input.to_owned(), weight.to_owned()];
        if self.seeded.chance(1, 2) {
            let bias = self.fresh("b");
            let values = self.seeded.units(channels, 0.5);
            self.builder.constant(&bias, &[channels], values);
            inputs.push(bias);
        }
        inputs
    }

    /// Perhaps a batch norm, perhaps an activation.
    fn finish(&mut self, made: &Live) {
        let mut last = made.clone();
        if self.seeded.chance(1, 2) {
            let prefix = self.fresh("bn");
            let mut inputs = vec![last.name.clone()];
            for (part, low, high) in [("scale", 0.5, 1.5), ("shift", -0.5, 0.5), ("mean", -0.3, 0.3), ("var", 0.2, 2.0)]
            {
                let name = format!("{prefix}_{part}");
                let middle = (low + high) / 2.0;
                let spread = self.seeded.units(last.channels, (high - low) / 2.0);
                self.builder.constant(&name, &[last.channels], spread.iter().map(|v| v + middle).collect());
                inputs.push(name);
            }
            let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
            last = self.emit("BatchNormalization", &names, last.channels, vec![float("epsilon", 1e-3)]);
        }
        match self.seeded.below(3) {
            0 => {
                self.emit("Relu", &[&last.name], last.channels, Vec::new());
            }
            // Before opset 11 the bounds are attributes.
            1 if self.opset < 11 => {
                let bounds = vec![float("min", -0.25), float("max", 1.5)];
                self.emit("Clip", &[&last.name], last.channels, bounds);
            }
            1 => {
                let [low, high] = ["low", "high"].map(|end| format!("{}_{end}", last.name));
                self.builder.constant(&low, &[], vec![-0.25]);
                self.builder.constant(&high, &[], vec![1.5]);
                self.emit("Clip", &[&last.name, &low, &high], last.channels, Vec::new());
            }
            _ => {}
        }
    }

    /// Pool, Gemm, MatMul, Add of a constant, perhaps Softmax.
    fn classifier(&mut self) {
        // The deepest tensor is the last one made.
        let Some(from) = self.live.last().cloned() else { return };
        let pooled = self.emit("GlobalAveragePool", &[&from.name], from.channels, Vec::new());
        let flat = self.emit("Flatten", &[&pooled.name], from.channels, Vec::new());
        let transposes = self.seeded.chance(1, 2);
        let shape = if transposes { [6, flat.channels] } else { [flat.channels, 6] };
        let weight = self.weight(&shape);
        let bias = self.fresh("b");
        let values = self.seeded.units(6, 0.5);
        self.builder.constant(&bias, &[6], values);
        let mut attributes = vec![int("transB", i64::from(transposes))];
        if self.seeded.chance(1, 3) {
            attributes.extend([float("alpha", 0.5), float("beta", 2.0)]);
        }
        let hidden = self.emit("Gemm", &[&flat.name, &weight, &bias], 6, attributes);
        let weight = self.weight(&[6, 5]);
        let scores = self.emit("MatMul", &[&hidden.name, &weight], 5, Vec::new());
        let shift = self.fresh("k");
        let values = self.seeded.units(5, 1.0);
        self.builder.constant(&shift, &[5], values);
        let mut last = self.emit("Add", &[&scores.name, &shift], 5, Vec::new());
        // Before 13 Softmax flattens; on two axes that is the same.
        if self.seeded.chance(1, 2) {
            last =
                self.emit("Softmax", &[&last.name], 5, if self.opset < 13 { vec![int("axis", 1)] } else { Vec::new() });
        }
        self.builder.output(&last.name);
    }
}
