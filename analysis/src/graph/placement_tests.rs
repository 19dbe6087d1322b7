//! Which tensors carry quantizers: what holds of any graph and target, and cases by hand.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::{Graph, OperandRole, Owner, Place, TensorId, testing::Builder};
use crate::{
    target::{OperatorClass, Target},
    tensor::ElementType,
};

fn for_target(graph: &Graph, name: &str) -> Graph {
    graph.with_target(&Target::builtin(name).unwrap())
}

fn owner<'a>(graph: &'a Graph, tensor: &str) -> Option<&'a str> {
    graph.quantizable.owner(graph.by_name[tensor]).map(|t| graph.name(t))
}

fn place(graph: &Graph, tensor: &str) -> Option<Place> {
    graph.quantizable.place(graph.by_name[tensor]).copied()
}

fn joined<'a>(graph: &'a Graph, tensor: &str) -> Vec<&'a str> {
    graph.quantizable.joined(graph.by_name[tensor]).into_iter().map(|t| graph.name(t)).collect()
}

/// One node of a random graph: its operator and what it reads, as numbers taken modulo what there is.
type Pick = (usize, [usize; 3]);

const RANDOM_OPERATORS: [&str; 32] = [
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "MatMulWeight",
    "Add",
    "AddConstant",
    "Mul",
    "Concat",
    "Concat",
    "Concat3",
    "Max",
    "Relu",
    "Clip",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "MaxPool",
    "AveragePool",
    "Transpose",
    "Split",
    "Pad",
    "PadOne",
    "Gather",
    "Where",
    "Div",
    "LayerNormalization",
    "BatchNormalization",
    "GlobalAveragePool",
    "Identity",
    "TopK",
    "Resize",
];

/// A model that makes no sense as arithmetic and has every kind of connection that placement cares about.
fn random_graph(picks: &[Pick], outputs: [usize; 2]) -> Graph {
    let mut builder = Builder::new(17)
        .input("x", &[1, 4])
        .input("y", &[1, 4])
        .constant("w", &[2, 2, 1, 1], &[1.0, 2.0, 3.0, 4.0])
        .constant("m", &[2, 2], &[1.0; 4])
        .constant("b", &[2], &[0.5, 0.5])
        .constant("one", &[1], &[1.0])
        .node("Shape", &["x"], &["shape"]);
    let mut made: Vec<String> = vec!["x".into(), "y".into()];
    let mut others = vec![("shape".to_owned(), ElementType::Int64)];
    for (number, (operator, reads)) in picks.iter().enumerate() {
        let read = |i: usize| made[reads[i] % made.len()].clone();
        let (a, b, c) = (read(0), read(1), read(2));
        let out = format!("t{number}");
        let second = format!("t{number}_1");
        let operator = RANDOM_OPERATORS[operator % RANDOM_OPERATORS.len()];
        let (op, inputs): (&str, Vec<&str>) = match operator {
            "Conv" | "ConvTranspose" => (operator, vec![&a, "w", "b"]),
            "Gemm" => ("Gemm", vec![&a, "m", "b"]),
            "MatMulWeight" => ("MatMul", vec![&a, "m"]),
            "AddConstant" => ("Add", vec![&a, "b"]),
            "MatMul" | "Add" | "Mul" | "Concat" | "Max" | "Div" => (operator, vec![&a, &b]),
            "Concat3" => ("Concat", vec![&a, &b, &c]),
            "PadOne" => ("Pad", vec![&a, "shape", "one"]),
            "Gather" => ("Gather", vec!["m", "shape"]),
            "Where" => ("Where", vec!["shape", &a, &b]),
            "LayerNormalization" => ("LayerNormalization", vec![&a, "b", "b"]),
            "BatchNormalization" => ("BatchNormalization", vec![&a, "b", "b", "b", "b"]),
            "Resize" => ("Resize", vec![&a, "one", "one"]),
            "Clip" => ("Clip", vec![&a, "one"]),
            other => (other, vec![&a]),
        };
        let two = matches!(op, "Split" | "TopK");
        let names: Vec<&str> = if two { vec![&out, &second] } else { vec![&out] };
        builder = builder.node(op, &inputs, &names);
        made.push(out);
        match op {
            "Split" => made.push(second),
            "TopK" => others.push((second, ElementType::Int64)),
            _ => {}
        }
    }
    let wanted: BTreeSet<&String> = outputs.iter().map(|&o| &made[o % made.len()]).collect();
    for output in wanted {
        builder = builder.output(output);
    }
    let others: Vec<(&str, ElementType)> = others.iter().map(|(name, element)| (name.as_str(), *element)).collect();
    builder.graph(&others)
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    prop::collection::vec((any::<usize>(), any::<[usize; 3]>()), 1..40)
}

/// Labels of the groups by the plainest means: a tensor takes the smallest label of any it is bound to, until nothing
/// changes. Bound are a tensor and the owner of its quantizer, and what a joining operator reads and makes.
fn labels(graph: &Graph, alone: &Graph) -> Vec<Option<usize>> {
    let rows: Vec<TensorId> = graph.layers.iter().flat_map(|l| l.outputs.clone()).collect();
    let base = |t: TensorId| alone.quantizable.place(t);
    let mut bonds: Vec<(TensorId, TensorId)> = Vec::new();
    for tensor in 0..graph.tensors.len() {
        if let Some(Owner::Tensor(owner)) = base(tensor).map(|p| p.owner) {
            bonds.push((tensor, owner));
        }
    }
    for layer in &graph.layers {
        let Some(node) = layer.nodes.first().map(|&n| &graph.nodes[n]) else { continue };
        if !graph.target.operators.join.contains(&node.op) {
            continue;
        }
        let members = node.inputs.iter().flatten().chain(&layer.outputs).copied();
        let free = |t: &TensorId| {
            base(*t).is_some_and(|p| {
                p.fixed_range.is_none() && p.fixed_params.is_none() && !matches!(p.owner, Owner::Constant(_))
            })
        };
        let members: Vec<TensorId> = members.filter(free).collect();
        bonds.extend(members.iter().skip(1).map(|&m| (m, members[0])));
    }
    let rank = |t: TensorId| rows.iter().position(|&r| r == t);
    let mut labels: Vec<Option<usize>> = (0..graph.tensors.len()).map(|t| base(t).and_then(|_| rank(t))).collect();
    loop {
        let before = labels.clone();
        for &(a, b) in &bonds {
            let least = labels[a].min(labels[b]);
            (labels[a], labels[b]) = (least, least);
        }
        if labels == before {
            return labels.into_iter().map(|l| l.map(|rank| rows[rank])).collect();
        }
    }
}

proptest! {
    #[test]
    fn joins_are_flat_and_complete(picks in picks(), outputs: [usize; 2], target in 0_usize..5) {
        let target = &Target::builtins()[target];
        let graph = random_graph(&picks, outputs).with_target(target);
        let mut apart = Target::clone(target);
        apart.operators.join.clear();
        let alone = graph.with_target(&Arc::new(apart));
        let labels = labels(&graph, &alone);
        for (tensor, label) in labels.into_iter().enumerate() {
            let place = graph.quantizable.place(tensor);
            prop_assert_eq!(place.is_some(), alone.quantizable.place(tensor).is_some(), "joining adds no quantizers");
            prop_assert_eq!(graph.quantizable.owner(tensor), label, "`{}`", graph.name(tensor));
            let Some(Place { owner: Owner::Tensor(owner), .. }) = place else { continue };
            let own = graph.quantizable.place(*owner);
            prop_assert_eq!(own.map(|p| p.owner), Some(Owner::Itself), "no chains");
            prop_assert!(graph.quantizable.sharers(*owner).any(|t| t == tensor));
            // Whoever had a range of its own still counts; whoever only handed one on does not.
            let counts = graph.quantizable.joined(*owner).contains(&tensor);
            let had_its_own = alone.quantizable.place(tensor).map(|p| p.owner) == Some(Owner::Itself);
            prop_assert_eq!(counts, had_its_own);
            prop_assert_eq!(graph.quantizable.joined(*owner)[0], *owner);
        }
    }

    #[test]
    fn an_owner_is_planned_before_those_who_share_it(picks in picks(), outputs: [usize; 2]) {
        let graph = for_target(&random_graph(&picks, outputs), "tflite");
        let mut seen = BTreeSet::new();
        for &tensor in graph.layers.iter().flat_map(|layer| &layer.outputs) {
            if let Some(owner) = graph.quantizable.owner(tensor) {
                prop_assert!(owner == tensor || seen.contains(&owner), "`{}`", graph.name(tensor));
                seen.insert(tensor);
            }
        }
    }

    #[test]
    fn a_target_can_be_changed_and_changed_back(picks in picks(), outputs: [usize; 2], target in 0_usize..5) {
        let graph = random_graph(&picks, outputs);
        let there = graph.with_target(&Target::builtins()[target]);
        prop_assert_eq!(&there.target.name, &Target::builtins()[target].name);
        let back = there.with_target(&graph.target);
        prop_assert_eq!(&back.quantizable, &graph.quantizable);
        prop_assert_eq!(&back.segments, &graph.segments);
        let names = |g: &Graph| g.layers.iter().map(|l| l.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(&back), names(&graph));
    }
}

#[test]
fn a_concat_of_a_concat_and_a_pool_is_one_group() {
    // c1 = [x, r]; p = MaxPool(y); c2 = [c1, p]. x is read by a Conv, so all five and y hang together.
    let graph = Builder::new(17)
        .input("x", &[1, 1, 4, 4])
        .input("y", &[1, 1, 4, 4])
        .constant("w", &[1, 1, 1, 1], &[1.0])
        .node("Conv", &["x", "w"], &["c"])
        .node("Relu", &["c"], &["r"])
        .node("Conv", &["y", "w"], &["d"])
        .node("MaxPool", &["y"], &["p"])
        .node("Concat", &["x", "r"], &["c1"])
        .node("Concat", &["c1", "p"], &["c2"])
        .node("Add", &["c2", "d"], &["a"])
        .output("a")
        .graph(&[]);
    let tflite = for_target(&graph, "tflite");
    for tensor in ["x", "y", "r", "p", "c1", "c2"] {
        assert_eq!(owner(&tflite, tensor), Some("x"), "{tensor}: the first is a model input");
    }
    assert_eq!((owner(&tflite, "d"), owner(&tflite, "a")), (Some("d"), Some("a")), "Add keeps its scales apart");
    assert_eq!(joined(&tflite, "x"), ["x", "y", "r", "c1", "c2"], "p holds no value that y does not");
    let sharers: Vec<&str> = tflite.quantizable.sharers(tflite.by_name["x"]).map(|t| tflite.name(t)).collect();
    assert_eq!(sharers.len(), 6);
    assert_eq!(owner(&graph, "c2"), Some("c2"), "onnxruntime joins nothing");
}

#[test]
fn the_first_row_owns_and_not_the_first_tensor() {
    // Row Conv+Relu comes first, but its output `late` is made by the last but one node of the file.
    let graph = Builder::new(17)
        .input("x", &[1, 1, 4, 4])
        .constant("w", &[1, 1, 1, 1], &[1.0])
        .node("Conv", &["x", "w"], &["a"])
        .node("Conv", &["x", "w"], &["early"])
        .node("Relu", &["a"], &["late"])
        .node("Concat", &["early", "late"], &["c"])
        .output("c")
        .graph(&[]);
    let graph = for_target(&graph, "tflite");
    assert!(graph.by_name["early"] < graph.by_name["late"]);
    assert_eq!((owner(&graph, "early"), owner(&graph, "c")), (Some("late"), Some("late")));
}

#[test]
fn fixed_outputs_constants_and_tables_keep_their_own_scale() {
    let graph = Builder::new(17)
        .input("x", &[1, 4])
        .constant("k", &[1, 4], &[1.0; 4])
        .constant("table", &[2, 4], &[1.0; 8])
        .node("Shape", &["x"], &["shape"])
        .node("Sigmoid", &["x"], &["s"])
        .node("Reshape", &["s", "shape"], &["rs"])
        .node("Gather", &["table", "shape"], &["g"])
        .node("Concat", &["x", "rs", "g", "k"], &["c"])
        .output("c")
        .graph(&[("shape", ElementType::Int64)]);
    let tflite = for_target(&graph, "tflite");
    assert_eq!(owner(&tflite, "c"), Some("x"));
    assert_eq!(
        (owner(&tflite, "rs"), place(&tflite, "rs").unwrap().fixed_params),
        (Some("s"), Some((1.0 / 256.0, -128)))
    );
    let table = tflite.by_name["table"];
    assert_eq!(place(&tflite, "g").unwrap().owner, Owner::Constant(table));
    let concat = tflite.layers.iter().find(|l| l.op == "Concat").unwrap();
    assert!(concat.operands.iter().any(|o| o.tensor == tflite.by_name["k"] && o.role == OperandRole::Elementwise));
    let npu = for_target(&graph, "npu-a16");
    assert_eq!(place(&npu, "s").unwrap().fixed_range, Some((0.0, 1.0)));
    assert_eq!(place(&graph, "s").unwrap().fixed_range, None, "onnxruntime observes Sigmoid");
}

#[test]
fn a_target_that_quantizes_no_outputs_quantizes_what_is_read() {
    // conv → relu → conv → add(relu) → softmax.
    let graph = Builder::new(17)
        .input("x", &[1, 1, 4, 4])
        .constant("w", &[1, 1, 1, 1], &[1.0])
        .node("Conv", &["x", "w"], &["c1"])
        .node("Relu", &["c1"], &["r1"])
        .node("MaxPool", &["r1"], &["p"])
        .node("Conv", &["p", "w"], &["c2"])
        .node("Add", &["c2", "r1"], &["a"])
        .node("Softmax", &["a"], &["s"])
        .output("s")
        .graph(&[]);
    let tensorrt = for_target(&graph, "tensorrt");
    let places: Vec<&str> = (0..tensorrt.tensors.len())
        .filter(|&t| tensorrt.quantizable.place(t).is_some())
        .map(|t| tensorrt.name(t))
        .collect();
    assert_eq!(places, ["x", "p"], "what the two convolutions read");
    assert!(
        tensorrt.layers.iter().any(|l| l.op == "Conv" && tensorrt.name(l.outputs[0]) == "r1"),
        "one row with its ReLU"
    );
    let (rows, onnxruntime_rows) = (tensorrt.layers.len(), graph.layers.len());
    assert_eq!(rows, onnxruntime_rows);
}

#[test]
fn inputs_that_are_no_data_are_never_quantized() {
    let mut target = Target::clone(&Target::builtins()[0]);
    target.operators.classes.insert("Resize".into(), OperatorClass::AllTensors);
    let graph = Builder::new(17)
        .input("x", &[1, 1, 4, 4])
        .input("scales", &[4])
        .constant("roi", &[8], &[0.0; 8])
        .node("Resize", &["x", "roi", "scales"], &["y"])
        .output("y")
        .graph(&[])
        .with_target(&Arc::new(target));
    assert!(place(&graph, "x").is_some() && place(&graph, "y").is_some());
    assert_eq!(place(&graph, "scales"), None);
    assert!(graph.layers.iter().all(|l| l.operands.is_empty()), "roi stays as it is");
}
