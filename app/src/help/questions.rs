//! The questions and the part of their answers that no model changes. Words as QUANTIZATION.md defines them.

use quantlens_analysis::mark;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// 1 to 20.
    pub number: u8,
    /// As one would ask it.
    pub question: &'static str,
    /// What holds for every model.
    pub answer: &'static str,
}

/// Questions that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// In the order of reading.
    pub questions: &'static [Question],
}

/// All questions, in the order in which one answer builds on another.
pub const GROUPS: [Group; 5] = [
    Group { title: mark!("From real numbers to integers"), questions: &NUMBERS },
    Group { title: mark!("What a layer computes"), questions: &LAYERS },
    Group { title: mark!("Where the range comes from"), questions: &RANGES },
    Group { title: mark!("How large the error is, and why"), questions: &ERRORS },
    Group { title: mark!("The way through"), questions: &FLOW },
];

const NUMBERS: [Question; 5] = [
    Question {
        number: 1,
        question: mark!("What is symmetric quantization?"),
        answer: mark!(
            "The grid is centred on zero: Z = 0, and the scale follows from the largest magnitude alone, S = max|r| / \
             q_max. Codes are q = clamp(round(r / S), q_min, q_max), and r′ = S·q. It wastes codes where the values \
             lie to one side of zero, but products need no zero-point, so it is what weights use."
        ),
    },
    Question {
        number: 2,
        question: mark!("What is affine quantization?"),
        answer: mark!(
            "The grid is laid over the range from its lower to its upper end: S = (r_max − r_min) / (q_max − q_min), \
             and the zero-point Z = round(q_min − r_min / S) is the code of real 0. No code is wasted, at the price of \
             Z in every product. It is what activations use, which after a ReLU lie on one side."
        ),
    },
    Question {
        number: 16,
        question: mark!("Why must real zero have a code of its own?"),
        answer: mark!(
            "Padding and ReLU make exact zeros by the thousand. If 0 fell between two codes, each would carry the same \
             error, and the errors would add up. So a range is always widened to contain 0, and Z is an integer."
        ),
    },
    Question {
        number: 18,
        question: mark!("What is the narrow range of a signed grid?"),
        answer: mark!(
            "Signed b-bit codes run from −2^(b−1) to 2^(b−1) − 1: one more below zero than above. The narrow range \
             leaves out the lowest. The grid is then the same on both sides, and two products of 8-bit codes still fit \
             int16: (−128)·(−128) twice is 32768, one too many."
        ),
    },
    Question {
        number: 8,
        question: mark!("Per tensor, per channel, per group?"),
        answer: mark!(
            "How many weights share one scale: all of them, those of one output channel, or a block along the input \
             axis. A channel whose weights are small loses most of its codes under the scale of a large one. Scales \
             per channel cost nothing in the sums, since a whole output has one scale; groups need a sum for each."
        ),
    },
];

const LAYERS: [Question; 6] = [
    Question {
        number: 9,
        question: mark!("What is fake quantization?"),
        answer: mark!(
            "Quantize and dequantize at once, in floats: r′ = S·(clamp(round(r / S) + Z) − Z). The value is still a \
             float, but one that the integers could hold. It is what this program runs, and what a QuantizeLinear and \
             a DequantizeLinear in the exported file do."
        ),
    },
    Question {
        number: 10,
        question: mark!("What of a Conv or a MatMul is quantized?"),
        answer: mark!(
            "Its input, as the layer before left it; its weights, symmetric; its output, after a fused ReLU or Clip. \
             The bias is kept as int32 or as a float, as the target has it."
        ),
    },
    Question {
        number: 15,
        question: mark!("Why is the bias int32, and with which scale?"),
        answer: mark!(
            "It is added to the accumulator, whose step is S_x·S_w. A bias with S_b = S_x·S_w and Z_b = 0 adds on \
             without any conversion. With a tiny S_x·S_w its codes may not fit 32 bits; then S_w is raised, or the \
             bias stays float."
        ),
    },
    Question {
        number: 11,
        question: mark!("What is requantization?"),
        answer: mark!(
            "The accumulator a = Σ (q_x − Z_x)(q_w − Z_w) + q_b counts steps of S_x·S_w, the output wants steps of \
             S_y: q_y = clamp(round(M·a) + Z_y) with M = S_x·S_w / S_y. Going from one layer's scale to another's is \
             the same, with M = S_1 / S_2."
        ),
    },
    Question {
        number: 14,
        question: mark!("How does a machine without floats multiply by M?"),
        answer: mark!(
            "As an integer and a shift: M = M0·2^(−n) with M0 from 0.5 to 1, held in 31 bits behind the point. \
             Machines differ in how they round: twice (gemmlowp), once in 64 bits, or not at all, where scales are \
             powers of two and a shift is enough."
        ),
    },
    Question {
        number: 13,
        question: mark!("Which operators are treated specially?"),
        answer: mark!(
            "A batch norm is folded into the Conv before it. A ReLU or Clip behind a Conv shares its quantizer. \
             MaxPool, Reshape, Transpose and the like hand a scale on. The outputs of Softmax, Sigmoid and Tanh have \
             fixed ranges. Add and Concat need their inputs on one scale, by requantizing or by sharing. LayerNorm and \
             GELU stay float unless asked."
        ),
    },
];

const RANGES: [Question; 1] = [Question {
    number: 17,
    question: mark!("How is a range chosen, and when to cut off?"),
    answer: mark!(
        "Min–max keeps every value, and one outlier stretches the step for all. The other methods cut: percentile by \
         share of the values, KL where the distribution changes least, MSE where rounding inside and clipping outside \
         together cost least, entropy where the error is most predictable. Which is best depends on the layer: look at \
         the curve."
    ),
}];

const ERRORS: [Question; 4] = [
    Question {
        number: 3,
        question: mark!("Where does the error come from?"),
        answer: mark!(
            "From weights, output or bias; by rounding inside the range or by clipping outside it; and from what the \
             hardware lacks: a zero-point, other widths, other scales than powers of two, 32 bits for the bias. One \
             channel often makes most of it."
        ),
    },
    Question {
        number: 20,
        question: mark!("Why not the cosine alone?"),
        answer: mark!(
            "The cosine sees the direction of a tensor and is blind to its length: an output that is halved has cosine \
             1. SQNR, 10·log10(Σf² / Σe²), sees both. Beside a cosine look at the gain ‖q‖ / ‖f‖, which is 1 where the \
             length is right."
        ),
    },
    Question {
        number: 19,
        question: mark!("Why does the error fall again further down?"),
        answer: mark!(
            "Because layers discard error as well as signal. ReLU and Clip drop the error of what they cut, pooling \
             averages errors that are independent, a normalisation takes out an error of the gain, a residual Add \
             mixes in a cleaner branch, Softmax saturates."
        ),
    },
    Question {
        number: 4,
        question: mark!("What is good enough?"),
        answer: mark!(
            "What the task says: accuracy or agreement for a classifier, mAP for a detector, a similarity for \
             embeddings. SQNR orders the layers; it does not decide. As a rule, 30 dB at the output are rarely \
             noticed, and below 10 dB little is left."
        ),
    },
];

const FLOW: [Question; 4] = [
    Question {
        number: 6,
        question: mark!("What are the steps?"),
        answer: mark!(
            "Float model → calibration samples → ranges → scales and zero-points → quantized model → comparison with \
             the float model, layer by layer → mend the worst layers → export."
        ),
    },
    Question {
        number: 7,
        question: mark!("Is this PTQ or QAT?"),
        answer: mark!(
            "Post-training quantization: no weight is trained again. A model from quantization-aware training has its \
             QuantizeLinear and DequantizeLinear in it already, with the ranges that training found."
        ),
    },
    Question {
        number: 12,
        question: mark!("What is mixed precision?"),
        answer: mark!(
            "More bits, or float, for the few layers that need them, and few bits for the rest. A tensor is converted \
             only where a reader asks for another format than its maker's."
        ),
    },
    Question {
        number: 5,
        question: mark!("Where do scales and zero-points live in a file?"),
        answer: mark!(
            "In a QDQ model on the tensors: a QuantizeLinear and a DequantizeLinear around float operators, which a \
             runtime fuses as it can. In a QOperator model on the operators: QLinearConv, QLinearMatMul."
        ),
    },
];
