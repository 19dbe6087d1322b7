//! A dense tensor in memory, row-major, of any element type that a model input, weight or test-data file may have.

use half::{bf16, f16};

/// The element type of a tensor, with ONNX's own numbering (`TensorProto.DataType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
#[expect(missing_docs, reason = "the names are ONNX's own")]
pub enum ElementType {
    Float32 = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Float64 = 11,
    Uint32 = 12,
    Uint64 = 13,
    BFloat16 = 16,
}

impl ElementType {
    /// The type with ONNX number `code`; `None` for those this program does not compute with (complex, float8, int4, …).
    pub fn from_onnx(code: i32) -> Option<Self> {
        [
            Self::Float32,
            Self::Uint8,
            Self::Int8,
            Self::Uint16,
            Self::Int16,
            Self::Int32,
            Self::Int64,
            Self::String,
            Self::Bool,
            Self::Float16,
            Self::Float64,
            Self::Uint32,
            Self::Uint64,
            Self::BFloat16,
        ]
        .into_iter()
        .find(|t| *t as i32 == code)
    }

    /// ONNX's number for this type.
    pub fn onnx_code(self) -> i32 {
        self as i32
    }

    /// How users write it: `float32`, `int64`, ….
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Uint16 => "uint16",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Float16 => "float16",
            Self::Float64 => "float64",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::BFloat16 => "bfloat16",
        }
    }
}

/// The values of a [`Tensor`], row-major.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are ONNX's own")]
pub enum TensorData {
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Float16(Vec<f16>),
    BFloat16(Vec<bf16>),
    Uint8(Vec<u8>),
    Int8(Vec<i8>),
    Uint16(Vec<u16>),
    Int16(Vec<i16>),
    Uint32(Vec<u32>),
    Int32(Vec<i32>),
    Uint64(Vec<u64>),
    Int64(Vec<i64>),
    Bool(Vec<bool>),
    String(Vec<String>),
}

/// A dense row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values.
    pub data: TensorData,
}

impl Tensor {
    /// A float32 tensor. The caller guarantees that `shape` multiplies to `values.len()`.
    pub fn float32(shape: Vec<usize>, values: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { shape, data: TensorData::Float32(values) }
    }

    /// The element type.
    pub fn element_type(&self) -> ElementType {
        match &self.data {
            TensorData::Float32(_) => ElementType::Float32,
            TensorData::Float64(_) => ElementType::Float64,
            TensorData::Float16(_) => ElementType::Float16,
            TensorData::BFloat16(_) => ElementType::BFloat16,
            TensorData::Uint8(_) => ElementType::Uint8,
            TensorData::Int8(_) => ElementType::Int8,
            TensorData::Uint16(_) => ElementType::Uint16,
            TensorData::Int16(_) => ElementType::Int16,
            TensorData::Uint32(_) => ElementType::Uint32,
            TensorData::Int32(_) => ElementType::Int32,
            TensorData::Uint64(_) => ElementType::Uint64,
            TensorData::Int64(_) => ElementType::Int64,
            TensorData::Bool(_) => ElementType::Bool,
            TensorData::String(_) => ElementType::String,
        }
    }

    /// The values when they are float32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let TensorData::Float32(values) = &self.data { Some(values) } else { None }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        elements(&self.shape)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One axis of a declared shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A fixed length.
    Fixed(usize),
    /// A named symbolic length ("batch").
    Symbolic(String),
    /// Nothing is declared.
    Unknown,
}

/// A model input as the model declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInput {
    /// The input's name.
    pub name: String,
    /// Its element type.
    pub element_type: ElementType,
    /// Its declared shape; `None` when even the rank is undeclared.
    pub dims: Option<Vec<Dim>>,
}

/// Elements of a tensor of this shape; `usize::MAX` where there are more. A shape without elements may have other lengths
/// whose product nothing holds.
pub fn elements(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().fold(1, |count: usize, &length| count.saturating_mul(length)) }
}
