//! Small graphs written out; every capture rule of ONNX once.

use super::*;
use crate::onnx::proto::ValueInfoProto;

fn names(values: &[&str]) -> Vec<String> {
    values.iter().map(|s| (*s).to_owned()).collect()
}

fn node(op: &str, input: &[&str], output: &[&str]) -> NodeProto {
    NodeProto { op_type: Some(op.into()), input: names(input), output: names(output), ..NodeProto::default() }
}

fn value(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.into()), ..ValueInfoProto::default() }
}

fn tensor(name: &str) -> TensorProto {
    TensorProto { name: Some(name.into()), ..TensorProto::default() }
}

fn with_graph(mut node: NodeProto, name: &str, graph: GraphProto) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.into()),
        g: Some(Box::new(graph)),
        ..AttributeProto::default()
    });
    node
}

#[test]
fn captures_are_what_no_graph_inside_defines() {
    // Inner Loop body: uses x (outermost), w (of the middle graph), own input i, own constant k.
    let inner = GraphProto {
        node: vec![
            node("Add", &["x", "w"], &["a"]),
            node("Mul", &["a", "i"], &["b"]),
            node("Mul", &["b", "k"], &["o"]),
        ],
        initializer: vec![tensor("k")],
        input: vec![value("i")],
        output: vec![value("o")],
        ..GraphProto::default()
    };
    // Middle If branch: defines w after the node that captures it; gives the outer `passed` straight through.
    let middle = GraphProto {
        node: vec![with_graph(node("Loop", &["n", ""], &["l"]), "body", inner), node("Relu", &["y"], &["w"])],
        sparse_initializer: vec![SparseTensorProto { values: Some(tensor("n")), ..SparseTensorProto::default() }],
        output: vec![value("l"), value("passed")],
        ..GraphProto::default()
    };
    let other =
        GraphProto { node: vec![node("Neg", &["z"], &["l"])], output: vec![value("l")], ..GraphProto::default() };
    let branch =
        with_graph(with_graph(node("If", &["condition"], &["r"]), "then_branch", middle), "else_branch", other);

    let expected: BTreeSet<String> = names(&["passed", "x", "y", "z"]).into_iter().collect();
    assert_eq!(outer_references(&branch), expected);
    assert!(outer_references(&node("Relu", &["x"], &["y"])).is_empty());

    let graph = GraphProto { node: vec![branch], ..GraphProto::default() };
    let mut sizes = Vec::new();
    visit_graphs(&graph, &mut |graph| sizes.push(graph.node.len()));
    assert_eq!(sizes, [1, 2, 3, 1], "the outermost, then the branch, the loop in it, the other branch");
}

#[test]
fn graphs_in_a_list_attribute_count_too() {
    let body = GraphProto { node: vec![node("Neg", &["far"], &["o"])], ..GraphProto::default() };
    let mut call = node("Custom", &[], &["r"]);
    call.attribute.push(AttributeProto { graphs: vec![body], ..AttributeProto::default() });
    assert_eq!(outer_references(&call).into_iter().collect::<Vec<_>>(), ["far"]);
}

#[test]
fn every_hiding_place_of_a_tensor_is_visited() {
    let sparse =
        |v: &str, i: &str| SparseTensorProto { values: Some(tensor(v)), indices: Some(tensor(i)), dims: vec![] };
    let constant = |name: &str| {
        let mut node = node("Constant", &[], &["c"]);
        node.attribute.push(AttributeProto { t: Some(Box::new(tensor(name))), ..AttributeProto::default() });
        node
    };
    let mut everything = constant("attribute");
    everything.attribute.push(AttributeProto { tensors: vec![tensor("list")], ..AttributeProto::default() });
    everything.attribute.push(AttributeProto {
        sparse_tensor: Some(Box::new(sparse("sparse values", "sparse indices"))),
        sparse_tensors: vec![sparse("list values", "list indices")],
        ..AttributeProto::default()
    });
    let inner = GraphProto { initializer: vec![tensor("in subgraph")], ..GraphProto::default() };
    let training = crate::onnx::proto::TrainingInfoProto {
        algorithm: Some(GraphProto { initializer: vec![tensor("training")], ..GraphProto::default() }),
        ..Default::default()
    };
    let function = crate::onnx::proto::FunctionProto {
        node: vec![constant("in function")],
        attribute_proto: vec![AttributeProto { t: Some(Box::new(tensor("default"))), ..AttributeProto::default() }],
        ..Default::default()
    };
    let mut model = ModelProto {
        graph: Some(GraphProto {
            node: vec![everything, with_graph(node("If", &[], &[]), "then_branch", inner)],
            initializer: vec![tensor("initializer")],
            sparse_initializer: vec![sparse("values", "indices")],
            ..GraphProto::default()
        }),
        functions: vec![function],
        training_info: vec![training],
        ..ModelProto::default()
    };
    let mut seen = Vec::new();
    assert!(!any_tensor(&model, |tensor| tensor.data_type.is_some()));
    let end: Result<(), ()> = visit_tensors_mut(&mut model, &mut |_, tensor| {
        seen.push(tensor.name().to_owned());
        Ok(())
    });
    assert!(end.is_ok());
    let expected = [
        "initializer",
        "values",
        "indices",
        "attribute",
        "list",
        "sparse values",
        "sparse indices",
        "list values",
        "list indices",
        "in subgraph",
        "in function",
        "default",
        "training",
    ];
    assert_eq!(seen, expected);
    // The two walks know the same places: a mark in any of them is found.
    for (index, name) in seen.iter().enumerate() {
        let mut marked = model.clone();
        let mut at = 0;
        let _: Result<(), ()> = visit_tensors_mut(&mut marked, &mut |_, tensor| {
            tensor.data_type = (at == index).then_some(1);
            at += 1;
            Ok(())
        });
        assert!(any_tensor(&marked, |tensor| tensor.data_type.is_some()), "{name}");
    }
    // 2 nodes of the graph and 1 of the function.
    let mut nodes = 0;
    visit_nodes(&model, &mut |_| nodes += 1);
    assert_eq!(nodes, 3);
}
