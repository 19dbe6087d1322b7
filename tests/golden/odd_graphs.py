"""Writes odd_graphs/*.onnx: small valid models that cannot be cut at every tensor, and ones whose inputs, outputs or
constants are unusual. tests/odd_graphs.rs says what each must do.

Run with the packages onnx and numpy: python3 odd_graphs.py
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

FOLDER = pathlib.Path(__file__).parent / "odd_graphs"
RANDOM = np.random.default_rng(7)


def constant(name, shape, size=0.7):
    return numpy_helper.from_array((RANDOM.uniform(-1, 1, shape) * size).astype(np.float32), name)


def integers(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def floats(name, shape):
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def node(op, inputs, outputs, **attributes):
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return h.make_node(op, inputs, outputs, name="n_" + next(o for o in outputs if o), **attributes)


def save(name, nodes, inputs, outputs, constants=(), opset=17, functions=(), domains=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(constants))
    opsets = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
    model = h.make_model(graph, opset_imports=opsets, functions=list(functions))
    model.ir_version = 8
    model.producer_name = ""
    onnx.save(model, FOLDER / f"{name}.onnx")


X = floats("x", ["batch", 3, 4, 4])
Y = floats("y", None)
CONV = [constant("w", (4, 3, 3, 3)), constant("b", (4,), 0.3)]
CONVOLVED = node("Conv", ["x", "w", "b"], "c", pads=[1, 1, 1, 1])
TAIL = [node("GlobalAveragePool", ["t"], "p"), node("Flatten", ["p"], "f"), node("MatMul", ["f", "v"], "y")]
V = constant("v", (4, 5))
IS_POSITIVE = [
    node("ReduceMax", ["x"], "m", keepdims=0),
    node("Greater", ["m", "zero"], "cond"),
]
ZERO = numpy_helper.from_array(np.array(0, np.float32), "zero")


def subgraph(name, nodes, inputs, outputs, constants=()):
    return h.make_graph(nodes, name, inputs, outputs, list(constants))


def control_flow():
    # Both branches read the quantized tensor `c`, one of them a weight of the outer graph too.
    then = subgraph("then", [node("Conv", ["c", "u"], "then_y", pads=[1, 1, 1, 1])], [], [floats("then_y", None)])
    other = subgraph("else", [node("Neg", ["c"], "else_y")], [], [floats("else_y", None)])
    branch = node("If", ["cond"], "t", then_branch=then, else_branch=other)
    u = constant("u", (4, 4, 3, 3), 0.3)
    save("if_captures", [CONVOLVED, *IS_POSITIVE, branch, *TAIL], [X], [Y], [*CONV, u, ZERO, V])

    # Branches inside branches, of which only the innermost reads `c`; a constant made by a node is captured.
    inner_then = subgraph("it", [node("Mul", ["c", "scaled"], "it_y")], [], [floats("it_y", None)])
    inner_else = subgraph("ie", [node("Abs", ["c"], "ie_y")], [], [floats("ie_y", None)])
    inner = node("If", ["cond"], "inner_y", then_branch=inner_then, else_branch=inner_else)
    then = subgraph("then", [inner], [], [floats("inner_y", None)])
    branch = node("If", ["cond"], "t", then_branch=then, else_branch=other)
    made = node("Mul", ["k", "k"], "scaled")
    k = constant("k", (4, 1, 1), 2.0)
    save("if_nested", [CONVOLVED, made, *IS_POSITIVE, branch, *TAIL], [X], [Y], [*CONV, k, ZERO, V])

    # The body captures `c`, carries a tensor and counts; a second output stacks every round.
    body = subgraph(
        "body",
        [
            node("Add", ["carried", "c"], "sum"),
            node("MatMul", ["sum", "square"], "next"),
            node("Identity", ["go_in"], "go"),
            node("ReduceMean", ["next"], "seen", keepdims=0),
        ],
        [
            h.make_tensor_value_info("round", T.INT64, []),
            h.make_tensor_value_info("go_in", T.BOOL, []),
            floats("carried", None),
        ],
        [h.make_tensor_value_info("go", T.BOOL, []), floats("next", None), floats("seen", None)],
    )
    loop = node("Loop", ["three", "", "c"], ["t", "means"], body=body)
    save(
        "loop_captures",
        [CONVOLVED, loop, *TAIL],
        [X],
        [Y, floats("means", None)],
        [*CONV, constant("square", (4, 4), 0.5), numpy_helper.from_array(np.array(3, np.int64), "three"), V],
    )

    # A running sum over the rows of a sequence.
    body = subgraph(
        "body",
        [node("Add", ["state", "row"], "state_out"), node("Relu", ["state_out"], "out_row")],
        [floats("state", [6]), floats("row", [6])],
        [floats("state_out", [6]), floats("out_row", [6])],
    )
    scan = node("Scan", ["start", "rows"], ["last", "scanned"], body=body, num_scan_inputs=1)
    save(
        "scan",
        [
            node("MatMul", ["x", "w"], "h"),
            node("Squeeze", ["h", "axis0"], "rows"),
            scan,
            node("MatMul", ["scanned", "v"], "y"),
        ],
        [floats("x", [1, 5, 3])],
        [Y, floats("last", None)],
        [
            constant("w", (3, 6)),
            integers("axis0", [0]),
            numpy_helper.from_array(np.zeros(6, np.float32), "start"),
            constant("v", (6, 4)),
        ],
    )


def containers():
    split = [
        CONVOLVED,
        node("SplitToSequence", ["c", "two"], "parts", axis=1),
        node("SequenceAt", ["parts", "one"], "a"),
        node("Sigmoid", ["a"], "s"),
        node("SequenceInsert", ["parts", "s"], "more"),
        node("ConcatFromSequence", ["more"], "j", axis=1),
        node("Conv", ["j", "u"], "t"),
        *TAIL,
    ]
    scalars = [numpy_helper.from_array(np.array(2, np.int64), "two"), numpy_helper.from_array(np.array(1, np.int64), "one")]
    save("sequence", split, [X], [Y], [*CONV, *scalars, constant("u", (4, 6, 1, 1)), V])

    # A sequence that two segments read, one of them after a weighted layer.
    save(
        "sequence_read_late",
        [
            CONVOLVED,
            node("SequenceConstruct", ["c", "x"], "parts"),
            node("SequenceAt", ["parts", "zero_index"], "a"),
            node("Conv", ["a", "u"], "d"),
            node("SequenceInsert", ["parts", "d"], "more"),
            node("ConcatFromSequence", ["more"], "j", axis=1),
            node("Conv", ["j", "q"], "t"),
            *TAIL,
        ],
        [X],
        [Y],
        [
            *CONV,
            numpy_helper.from_array(np.array(0, np.int64), "zero_index"),
            constant("u", (3, 4, 1, 1)),
            constant("q", (4, 10, 1, 1)),
            V,
        ],
    )

    sequence = h.make_tensor_sequence_value_info("parts", T.FLOAT, None)
    save(
        "sequence_output",
        [CONVOLVED, node("SequenceConstruct", ["c", "x"], "parts"), node("Relu", ["c"], "t"), *TAIL],
        [X],
        [Y, sequence],
        [*CONV, V],
    )
    save(
        "sequence_input",
        [node("SequenceAt", ["given", "zero_index"], "c"), node("Relu", ["c"], "t"), *TAIL],
        [h.make_tensor_sequence_value_info("given", T.FLOAT, None)],
        [Y],
        [numpy_helper.from_array(np.array(0, np.int64), "zero_index"), V],
    )

    save(
        "optional",
        [
            CONVOLVED,
            node("Optional", ["c"], "o"),
            node("OptionalHasElement", ["o"], "has"),
            node("OptionalGetElement", ["o"], "g"),
            node("Relu", ["g"], "t"),
            *TAIL,
        ],
        [X],
        [Y, h.make_tensor_value_info("has", T.BOOL, None)],
        [*CONV, V],
    )


def functions():
    swish = h.make_function(
        "local",
        "Swish",
        ["i"],
        ["o"],
        [h.make_node("Sigmoid", ["i"], ["s"]), h.make_node("Mul", ["i", "s"], ["o"])],
        [h.make_opsetid("", 17)],
    )
    block = h.make_function(
        "local",
        "Block",
        ["i", "weight"],
        ["o"],
        [h.make_node("Conv", ["i", "weight"], ["c"]), h.make_node("Swish", ["c"], ["o"], domain="local")],
        [h.make_opsetid("", 17), h.make_opsetid("local", 1)],
    )
    nodes = [
        CONVOLVED,
        h.make_node("Swish", ["c"], ["s"], name="n_s", domain="local"),
        h.make_node("Block", ["s", "u"], ["t"], name="n_t", domain="local"),
        *TAIL,
    ]
    save("functions", nodes, [X], [Y], [*CONV, constant("u", (4, 4, 1, 1)), V], functions=[swish, block], domains=["local"])

    save(
        "custom_domain",
        [CONVOLVED, h.make_node("Wobble", ["c"], ["t"], name="n_t", domain="com.example"), *TAIL],
        [X],
        [Y],
        [*CONV, V],
        domains=["com.example"],
    )
    # A contrib operator that onnxruntime has.
    save(
        "contrib",
        [CONVOLVED, h.make_node("Gelu", ["c"], ["t"], name="n_t", domain="com.microsoft"), *TAIL],
        [X],
        [Y],
        [*CONV, V],
        domains=["com.microsoft"],
    )


def ends():
    same = floats("x", ["batch", 3, 4, 4])
    save("output_is_input", [CONVOLVED, node("Relu", ["c"], "t"), *TAIL], [X], [Y, same], [*CONV, V])
    save("output_is_constant", [CONVOLVED, node("Relu", ["c"], "t"), *TAIL], [X], [Y, floats("w", None)], [*CONV, V])
    save(
        "output_is_computed_constant",
        [CONVOLVED, node("Relu", ["c"], "t"), node("Neg", ["v"], "minus"), *TAIL],
        [X],
        [Y, floats("minus", None)],
        [*CONV, V],
    )
    save("output_twice", [CONVOLVED, node("Relu", ["c"], "t"), *TAIL], [X], [Y, Y], [*CONV, V])
    save(
        "outputs_are_read",
        [CONVOLVED, node("Sigmoid", ["c"], "t"), *TAIL],
        [X],
        [floats("c", None), floats("t", None), floats("p", None), floats("f", None), Y],
        [*CONV, V],
    )
    save(
        "unused_and_empty",
        [
            node("Conv", ["x", "w", ""], "c", pads=[1, 1, 1, 1]),
            node("Sigmoid", ["c"], "nobody_reads_this"),
            node("MaxPool", ["c"], ["t", "indices"], kernel_shape=[2, 2]),
            node("Split", ["t", "halves"], ["first", "second"], axis=1),
            node("Clip", ["second", "", "six"], "clipped"),
            node("GlobalAveragePool", ["clipped"], "p"),
            node("Dropout", ["p"], ["d", "mask"]),
            node("Flatten", ["d"], "y"),
        ],
        [X, floats("never_read", ["batch", 2])],
        [Y],
        [CONV[0], integers("halves", [2, 2]), numpy_helper.from_array(np.array(6, np.float32), "six"), constant("unused", (3,))],
    )
    # onnxruntime runs this and crashes.
    save(
        "split_leaves_out",
        [node("Split", ["x", "parts"], ["", "y"], axis=1)],
        [X],
        [Y],
        [integers("parts", [1, 2])],
    )
    # The first output of an LSTM may be left out.
    save(
        "lstm_leaves_out",
        [
            node("LSTM", ["x", "wi", "wr"], ["", "last"], hidden_size=4),
            node("Squeeze", ["last", "axis0"], "flat"),
            node("MatMul", ["flat", "v"], "y"),
        ],
        [floats("x", [5, 1, 3])],
        [Y],
        [constant("wi", (1, 16, 3)), constant("wr", (1, 16, 4)), integers("axis0", [0]), V],
    )
    save(
        "names_of_quantizers",
        [
            node("Conv", ["x", "w", "b"], "x_DequantizeLinear_Output", pads=[1, 1, 1, 1]),
            node("Relu", ["x_DequantizeLinear_Output"], "x_QuantizeLinear_Output"),
            node("Sigmoid", ["x_QuantizeLinear_Output"], "x_scale"),
            node("Add", ["x_scale", "x_QuantizeLinear_Output"], "t"),
            *TAIL,
        ],
        [X],
        [Y],
        [*CONV, V],
    )


def emptiness():
    save(
        "zero_elements",
        [
            CONVOLVED,
            node("Slice", ["c", "nought", "nought", "one"], "none"),
            node("Sigmoid", ["none"], "still_none"),
            node("Concat", ["still_none", "c"], "joined", axis=1),
            node("Relu", ["joined"], "t"),
            node("Mul", ["none", "none"], "squared"),
            *TAIL,
        ],
        [X],
        [Y, floats("squared", None)],
        [*CONV, integers("nought", [0]), integers("one", [1]), V],
    )
    save(
        "nothing_to_quantize",
        [node("Shape", ["x"], "shape"), node("Cast", ["shape"], "y", to=T.FLOAT), node("Not", ["flag"], "z")],
        [X, h.make_tensor_value_info("flag", T.BOOL, ["batch", 2])],
        [Y, h.make_tensor_value_info("z", T.BOOL, None)],
    )
    save(
        "integers_only",
        [node("Add", ["i", "i"], "j"), node("ReduceSum", ["j"], "y", keepdims=0)],
        [h.make_tensor_value_info("i", T.INT64, ["batch", 4])],
        [h.make_tensor_value_info("y", T.INT64, None)],
    )
    save(
        "strings",
        [
            CONVOLVED,
            node("Cast", ["c"], "text", to=T.STRING),
            node("Relu", ["c"], "t"),
            *TAIL,
            node("Cast", ["text"], "again", to=T.FLOAT),
            node("MatMul", ["again", "square"], "z"),
        ],
        [X],
        [Y, h.make_tensor_value_info("text", T.STRING, None), floats("z", None)],
        [*CONV, constant("square", (4, 4)), V],
    )
    save(
        "float64",
        [
            node("Cast", ["x"], "d", to=T.DOUBLE),
            node("MatMul", ["d", "w"], "m"),
            node("Cast", ["m"], "s", to=T.FLOAT),
            node("MatMul", ["s", "v"], "y"),
        ],
        [floats("x", ["batch", 6])],
        [Y],
        [numpy_helper.from_array(RANDOM.uniform(-1, 1, (6, 5)), "w"), constant("v", (5, 4))],
    )


def widely_read():
    # One mask added in four heads, read in float by the Mul too.
    nodes, sums = [], []
    constants = [constant("o", (6, 4))]
    for head in range(4):
        for part in "qk":
            constants.append(constant(f"{part}{head}", (6, 6)))
            nodes.append(node("MatMul", ["x", f"{part}{head}"], f"{part}x{head}"))
        nodes += [
            node("Transpose", [f"kx{head}"], f"kt{head}", perm=[0, 2, 1]),
            node("MatMul", [f"qx{head}", f"kt{head}"], f"s{head}"),
            node("Add", [f"s{head}", "masked"], f"m{head}"),
            node("Softmax", [f"m{head}"], f"p{head}", axis=-1),
            node("MatMul", [f"p{head}", "x"], f"h{head}"),
        ]
        sums.append(f"h{head}")
    nodes = [
        node("Cast", ["mask"], "mask_f", to=T.FLOAT),
        node("Sub", ["unit", "mask_f"], "off"),
        node("Mul", ["off", "lowest"], "masked"),
        *nodes,
        node("Sum", sums, "all"),
        node("MatMul", ["all", "o"], "y"),
    ]
    constants += [
        numpy_helper.from_array(np.array(1, np.float32), "unit"),
        numpy_helper.from_array(np.array(-3.4028235e38, np.float32), "lowest"),
    ]
    # The lengths of the sequence and of the batch are the data's.
    inputs = [floats("x", ["batch", "length", 6]), h.make_tensor_value_info("mask", T.INT64, ["batch", 1, "length"])]
    save("mask_everywhere", nodes, inputs, [Y], constants)

    save(
        "shapes_from_data",
        [
            CONVOLVED,
            node("Shape", ["c"], "shape"),
            node("Gather", ["shape", "nought"], "batch", axis=0),
            node("Concat", ["batch", "rest"], "to", axis=0),
            node("Reshape", ["c", "to"], "r"),
            node("NonZero", ["r"], "places"),
            node("Cast", ["places"], "floating", to=T.FLOAT),
            node("ReduceMean", ["floating"], "y", keepdims=0),
            node("MatMul", ["r", "v16"], "z"),
        ],
        [X],
        # How long `floating` is depends on how many values are 0, which differs between the runs.
        [Y, floats("z", None), floats("floating", None)],
        [*CONV, integers("nought", [0]), integers("rest", [4, 16]), constant("v16", (16, 3))],
    )


def main():
    FOLDER.mkdir(exist_ok=True)
    for make in (control_flow, containers, functions, ends, emptiness, widely_read):
        make()


if __name__ == "__main__":
    main()
