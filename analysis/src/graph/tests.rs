use super::{Graph, Owner, fold_batch_norm, testing::Builder};
use crate::tensor::ElementType;

/// Conv + BN + Relu, `MaxPool`, Conv, Add with a branch, Flatten: as a residual network has them.
fn residual() -> Graph {
    Builder::new(17)
        .input("x", &[-1, 1, 4, 4])
        .constant("w1", &[2, 1, 1, 1], &[2.0, -3.0])
        .constant("gamma", &[2], &[1.0, 2.0])
        .constant("beta", &[2], &[0.5, -1.0])
        .constant("mean", &[2], &[1.0, 3.0])
        .constant("var", &[2], &[4.0 - 1e-5, 1.0 - 1e-5])
        .constant("w2", &[2, 2, 1, 1], &[1.0, 0.0, 0.0, 1.0])
        .constant("b2", &[2], &[0.1, 0.2])
        .node("Conv", &["x", "w1"], &["c1"])
        .node("BatchNormalization", &["c1", "gamma", "beta", "mean", "var"], &["bn1"])
        .node("Relu", &["bn1"], &["r1"])
        .node("MaxPool", &["r1"], &["p1"])
        .node("Conv", &["p1", "w2", "b2"], &["c2"])
        .node("Add", &["c2", "p1"], &["a"])
        .node("Relu", &["a"], &["r2"])
        .node("Div", &["r2", "r2"], &["d"])
        .node("Flatten", &["d"], &["f"])
        .output("f")
        .graph(&[])
}

fn names(graph: &Graph) -> Vec<(String, String)> {
    graph.layers.iter().map(|l| (l.op.clone(), graph.name(l.outputs[0]).to_owned())).collect()
}

fn place(graph: &Graph, tensor: &str) -> Option<Owner> {
    graph.quantizable.place(graph.by_name[tensor]).map(|p| p.owner)
}

#[test]
fn a_layer_takes_its_batch_norm_and_its_relu() {
    let graph = residual();
    let expected = [
        ("Input", "x"),
        ("Conv", "r1"),
        ("MaxPool", "p1"),
        ("Conv", "c2"),
        ("Add", "r2"),
        ("Div", "d"),
        ("Flatten", "f"),
    ];
    let expected: Vec<(String, String)> = expected.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    assert_eq!(names(&graph), expected);
    assert_eq!(graph.layers[1].nodes.len(), 3);
    assert_eq!(graph.layers[4].nodes.len(), 2, "the ReLU after the residual Add shares its quantizer");
}

#[test]
fn quantizers_stand_where_onnxruntime_puts_them() {
    let graph = residual();
    assert_eq!(place(&graph, "x"), Some(Owner::Itself));
    assert_eq!(place(&graph, "c1"), None, "none between Conv and its ReLU");
    assert_eq!(place(&graph, "r1"), Some(Owner::Itself));
    assert_eq!(place(&graph, "p1"), Some(Owner::Tensor(graph.by_name["r1"])), "MaxPool hands its input's scale on");
    assert_eq!(place(&graph, "d"), None, "Div is not in the operator set");
    assert_eq!(place(&graph, "f"), None, "Flatten has nothing to hand on");
}

#[test]
fn a_pass_through_before_any_quantized_operator_stays_float() {
    // Transpose runs before anything asks for its input to be quantized; its output is asked for by the Conv.
    let graph = Builder::new(17)
        .input("x", &[1, 4, 4, 1])
        .constant("w", &[1, 1, 1, 1], &[1.0])
        .node("Transpose", &["x"], &["t"])
        .node("Conv", &["t", "w"], &["c"])
        .output("c")
        .graph(&[]);
    assert_eq!(place(&graph, "x"), None);
    assert_eq!(place(&graph, "t"), Some(Owner::Itself));
}

#[test]
fn max_pool_of_an_old_opset_hands_nothing_on() {
    let build = |opset| {
        Builder::new(opset)
            .input("x", &[1, 1, 4, 4])
            .constant("w", &[1, 1, 1, 1], &[1.0])
            .node("Conv", &["x", "w"], &["c"])
            .node("MaxPool", &["c"], &["p"])
            .output("p")
            .graph(&[])
    };
    assert_eq!(place(&build(11), "p"), None);
    assert!(matches!(place(&build(12), "p"), Some(Owner::Tensor(_))));
}

#[test]
fn softmax_has_its_range_from_its_definition() {
    let graph = Builder::new(17).input("x", &[1, 4]).node("Softmax", &["x"], &["s"]).output("s").graph(&[]);
    assert_eq!(graph.quantizable.place(graph.by_name["s"]).unwrap().fixed_range, Some((0.0, 1.0)));
}

#[test]
fn a_layer_with_weights_has_a_segment_of_its_own() {
    let graph = residual();
    for segment in graph.segments.iter().filter(|s| s.weighted.is_some()) {
        assert_eq!(segment.layers.len(), 1);
    }
    // Div and Flatten: no quantizer between them and no weights, so one session runs both.
    let last = graph.segments.last().unwrap();
    assert_eq!(last.layers.len(), 2);
    assert_eq!(graph.name(last.inputs[0]), "r2");
    // Every segment finds its inputs made.
    let mut made: Vec<usize> = graph.inputs.clone();
    for segment in &graph.segments {
        assert!(segment.inputs.iter().all(|t| made.contains(t)));
        made.extend(&segment.outputs);
    }
}

#[test]
fn folding_is_the_batch_norm_in_the_weights() {
    let graph = residual();
    let folded = fold_batch_norm(&graph, 1).unwrap().unwrap();
    // k = γ/√(σ²+ε): 1/√4 = 0.5 and 2/√1 = 2. W' = 2·0.5 = 1, −3·2 = −6. b' = (0−1)·0.5+0.5 = 0, (0−3)·2−1 = −7.
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(close(&folded.weight, &[1.0, -6.0]), "{:?}", folded.weight);
    assert!(close(&folded.bias, &[0.0, -7.0]), "{:?}", folded.bias);
}

#[test]
fn a_batch_norm_with_other_readers_before_it_is_a_row_of_its_own() {
    let graph = Builder::new(17)
        .input("x", &[1, 1, 2, 2])
        .constant("w", &[1, 1, 1, 1], &[1.0])
        .constant("s", &[1], &[1.0])
        .node("Conv", &["x", "w"], &["c"])
        .node("BatchNormalization", &["c", "s", "s", "s", "s"], &["b"])
        .node("Add", &["b", "c"], &["a"])
        .output("a")
        .graph(&[]);
    assert!(graph.layers.iter().all(|l| l.batch_norm.is_none()));
    assert!(names(&graph).iter().any(|(op, _)| op == "BatchNormalization"));
}

#[test]
fn shape_arithmetic_is_no_row() {
    let graph = Builder::new(17)
        .input("x", &[1, 4])
        .node("Shape", &["x"], &["shape"])
        .node("Reshape", &["x", "shape"], &["y"])
        .output("y")
        .graph(&[("shape", ElementType::Int64)]);
    assert_eq!(names(&graph).len(), 2);
}

#[test]
fn what_is_read_only_for_its_shape_is_known() {
    let graph = Builder::new(17)
        .input("x", &[1, 4])
        .node("Relu", &["x"], &["a"])
        .node("Shape", &["x"], &["shape"])
        .node("Reshape", &["a", "shape"], &["y"])
        .node("Shape", &["a"], &["own"])
        .node("Reshape", &["a", "own"], &["z"])
        .output("y")
        .output("z")
        .graph(&[("shape", ElementType::Int64), ("own", ElementType::Int64)]);
    let through = |name| graph.read_through(graph.layer_named(name).unwrap()).into_iter().collect::<Vec<_>>();
    assert_eq!(through("n_y"), [graph.layer_named("x").unwrap()]);
    assert!(through("n_z").is_empty() && through("n_a").is_empty(), "what is read anyway is not listed");
}

#[test]
fn a_file_in_any_order_is_sorted_and_a_cycle_is_named() {
    let graph = Builder::new(17)
        .input("x", &[1])
        .node("Relu", &["a"], &["b"])
        .node("Relu", &["x"], &["a"])
        .output("b")
        .graph(&[]);
    assert_eq!(graph.nodes.iter().map(|n| n.position).collect::<Vec<_>>(), [1, 0]);
    let cycle =
        Builder::new(17).input("x", &[1]).node("Add", &["x", "b"], &["a"]).node("Relu", &["a"], &["b"]).output("b");
    let error = Graph::skeleton(std::sync::Arc::new(cycle.model())).unwrap_err().to_string();
    assert!(error.contains("cycle") && error.contains("n_a"), "{error}");
}

#[test]
fn damage_is_named() {
    let reads_nothing = Builder::new(17).input("x", &[1]).node("Relu", &["ghost"], &["y"]).output("y").model();
    let error = Graph::skeleton(std::sync::Arc::new(reads_nothing)).unwrap_err().to_string();
    assert!(error.contains("ghost") && error.contains("n_y"), "{error}");
    let twice =
        Builder::new(17).input("x", &[1]).node("Relu", &["x"], &["y"]).node("Relu", &["x"], &["y"]).output("y").model();
    let error = Graph::skeleton(std::sync::Arc::new(twice)).unwrap_err().to_string();
    assert!(error.contains("`y`") && error.contains("twice"), "{error}");
}
