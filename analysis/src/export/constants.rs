//! A layer's constants in the export: codes in the smallest type that holds them, and the nodes that turn them into the
//! floats that the engine computed with.
//!
//! Groups of weights have a form of their own only from opset 21 on (`block_size`). In an older model the codes are
//! stored group by group, dequantized along the first axis, and put back into shape: the same bits by older means.

use bytes::Bytes;

use super::{
    names::DEQUANTIZED,
    needed::is_own,
    pairs::{float_type, integer_attribute},
    qdq::{Writer, WrittenQuantizer},
};
use crate::{
    error::{Error, Result},
    onnx::{
        float_proto, integer_tensor,
        proto::{AttributeProto, DataType, NodeProto, TensorProto},
        tensor_proto,
    },
    plan::{Operand, OperandValue},
    quant::{FloatFormat, Grid, GroupLayout, QuantParams, floats::raw_data, group::parameter_shape},
    say,
    tensor::{Tensor, TensorData},
};

/// The first opset whose DequantizeLinear knows groups.
pub(super) const BLOCKED: i64 = 21;
/// `AttributeProto.AttributeType.INTS`.
const ATTRIBUTE_INTS: i32 = 7;

/// One DequantizeLinear of a constant.
struct Dequantizer<'a> {
    base: &'a str,
    shape: &'a [usize],
    codes: &'a [i32],
    kind: DataType,
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    /// Shape of scales and zero-points; empty for one of each.
    parameter_shape: Vec<usize>,
    attributes: Vec<AttributeProto>,
}

impl Writer<'_> {
    /// A layer's constant as its operator reads it; returns the name.
    pub(super) fn constant(&mut self, operand: &Operand, layer: &str) -> Result<String> {
        let kept = operand.source.and_then(|s| self.written.get(&s));
        if let Some((_, name)) =
            kept.and_then(|kept| kept.iter().find(|(o, _)| o.value == operand.value && o.float == operand.float))
        {
            return Ok(name.clone());
        }
        let base = operand.source.map_or_else(|| format!("{layer}_bias"), |s| self.graph.name(s).to_owned());
        let name = self.write_constant(operand, &base)?;
        if let Some(source) = operand.source {
            self.written.entry(source).or_default().push((operand.clone(), name.clone()));
        }
        Ok(name)
    }

    fn write_constant(&mut self, operand: &Operand, base: &str) -> Result<String> {
        let shape = operand.shape.as_slice();
        match &operand.value {
            OperandValue::Float => {
                let name = self.names.fresh(&format!("{base}_folded"));
                self.initializers.push(float_proto(&name, shape, &operand.float));
                Ok(name)
            }
            OperandValue::Bias { codes, scales } => {
                let axis = (scales.len() > 1).then_some(0);
                let zero_points = vec![0; scales.len()];
                self.dequantized(along(axis, base, shape, codes, DataType::Int32, (scales.clone(), zero_points)))
            }
            OperandValue::Integer { axis, params } => {
                let codes = operand.integer_codes();
                self.dequantized(along(*axis, base, shape, &codes, weight_type(params), split(params)))
            }
            OperandValue::Groups { axis, group, params } => match operand.groups() {
                Some(_) if self.opset >= BLOCKED => {
                    self.blocked(base, shape, &operand.integer_codes(), (*axis, *group), params)
                }
                Some(layout) => self.regrouped(base, shape, &operand.integer_codes(), layout, params),
                None => Err(Error::model(say!("constant `{}` has no axis {} to divide into groups", base, axis))),
            },
            OperandValue::Small { format, axis, scales } => {
                Ok(self.small(base, shape, *format, &operand.small_codes(), *axis, scales))
            }
        }
    }

    fn dequantized(&mut self, of: Dequantizer<'_>) -> Result<String> {
        let base = of.base;
        let along_axis = !of.parameter_shape.is_empty();
        let stored = self.names.fresh(&format!("{base}_quantized"));
        self.initializers.push(integer_tensor(&stored, of.shape, of.kind, of.codes)?);
        let scale = self.names.fresh(&format!("{base}_scale"));
        self.initializers.push(tensor_proto(&scale, &Tensor::float32(of.parameter_shape.clone(), of.scales.clone())));
        let zero_point = self.names.fresh(&format!("{base}_zero_point"));
        self.initializers.push(integer_tensor(&zero_point, &of.parameter_shape, of.kind, &of.zero_points)?);
        let output = self.names.fresh(&format!("{base}{DEQUANTIZED}"));
        self.uses_int4 |= matches!(of.kind, DataType::Int4 | DataType::Uint4);
        let domain = self.domain(is_own(self.opset, of.kind, along_axis));
        self.dequantize_node(base, domain, [stored, scale, zero_point], &output, of.attributes);
        self.quantizers.push(WrittenQuantizer {
            output: output.clone(),
            scales: of.scales,
            zero_points: of.zero_points,
            kind: of.kind,
        });
        Ok(output)
    }

    fn dequantize_node(
        &mut self,
        base: &str,
        domain: Option<String>,
        input: [String; 3],
        output: &str,
        attribute: Vec<AttributeProto>,
    ) {
        let name = self.names.fresh(&format!("{base}_DequantizeLinear"));
        self.nodes.push(NodeProto {
            op_type: Some("DequantizeLinear".into()),
            domain,
            input: input.to_vec(),
            output: vec![output.to_owned()],
            name: Some(name),
            attribute,
            ..NodeProto::default()
        });
    }

    /// Groups by `block_size`.
    fn blocked(
        &mut self,
        base: &str,
        shape: &[usize],
        codes: &[i32],
        (axis, group): (usize, usize),
        params: &[QuantParams],
    ) -> Result<String> {
        let (scales, zero_points) = split(params);
        let attributes = vec![number("axis", axis), number("block_size", group)];
        self.dequantized(Dequantizer {
            base,
            shape,
            codes,
            kind: weight_type(params),
            scales,
            zero_points,
            parameter_shape: parameter_shape(shape, axis, group).unwrap_or_default(),
            attributes,
        })
    }

    /// Groups as rows: codes `[groups, group]` with a scale a row, then `[outer, blocks, inner, group]`, the last two
    /// axes exchanged, and the weight's own shape.
    fn regrouped(
        &mut self,
        base: &str,
        shape: &[usize],
        codes: &[i32],
        layout: GroupLayout,
        params: &[QuantParams],
    ) -> Result<String> {
        let group = layout.group.min(layout.length);
        if !layout.length.is_multiple_of(group) {
            return Err(Error::model(say!(
                "constant `{}`: {} weights do not divide into groups of {}, and a short last group needs opset \
                 {}; use a group size that divides {}, or export the float model again with opset {}",
                base,
                layout.length,
                group,
                BLOCKED,
                layout.length,
                BLOCKED
            )));
        }
        let (groups, inner) = (layout.groups(), layout.inner);
        let mut rows = vec![0; codes.len()];
        for (index, code) in codes.iter().enumerate() {
            let within = index / inner % layout.length % group;
            rows[layout.group_of(index) * group + within] = *code;
        }
        let made =
            self.dequantized(along(Some(0), base, &[groups, group], &rows, weight_type(params), split(params)))?;
        if inner == 1 {
            return Ok(self.reshape(base, made, shape));
        }
        let split = self.reshape(base, made, &[layout.outer, layout.blocks(), inner, group]);
        let turned = self.names.fresh(&format!("{base}_Transpose_Output"));
        let name = self.names.fresh(&format!("{base}_Transpose"));
        self.nodes.push(NodeProto {
            op_type: Some("Transpose".into()),
            input: vec![split],
            output: vec![turned.clone()],
            name: Some(name),
            attribute: vec![AttributeProto {
                name: Some("perm".into()),
                ints: vec![0, 1, 3, 2],
                r#type: Some(ATTRIBUTE_INTS),
                ..AttributeProto::default()
            }],
            ..NodeProto::default()
        });
        Ok(self.reshape(base, turned, shape))
    }

    fn reshape(&mut self, base: &str, from: String, shape: &[usize]) -> String {
        let output = self.names.fresh(&format!("{base}_Reshape_Output"));
        let wanted = self.names.fresh(&format!("{base}_Reshape_shape"));
        let dims: Vec<i64> = shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect();
        self.initializers
            .push(tensor_proto(&wanted, &Tensor { shape: vec![dims.len()], data: TensorData::Int64(dims) }));
        let name = self.names.fresh(&format!("{base}_Reshape"));
        self.nodes.push(NodeProto {
            op_type: Some("Reshape".into()),
            input: vec![from, wanted],
            output: vec![output.clone()],
            name: Some(name),
            ..NodeProto::default()
        });
        output
    }

    /// Weights as small floats: a Cast, or for those with a scale a DequantizeLinear.
    fn small(
        &mut self,
        base: &str,
        shape: &[usize],
        format: FloatFormat,
        codes: &[u16],
        axis: Option<usize>,
        scales: &[f32],
    ) -> String {
        let kind = float_type(format);
        let stored = self.names.fresh(&format!("{base}_{}", format.name()));
        self.initializers.push(TensorProto {
            dims: shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
            data_type: Some(kind as i32),
            name: Some(stored.clone()),
            raw_data: Some(Bytes::from(raw_data(format, codes))),
            ..TensorProto::default()
        });
        let output = self.names.fresh(&format!("{base}{DEQUANTIZED}"));
        if !format.has_scale() {
            self.cast(base, stored, output.clone(), DataType::Float);
            return output;
        }
        self.uses_float8 = true;
        let parameter_shape = if axis.is_some() { vec![scales.len()] } else { Vec::new() };
        let scale = self.float_initializer(&format!("{base}_scale"), scales, axis.is_some());
        let zero_point = self.float8_zero(&format!("{base}_zero_point"), kind, &parameter_shape);
        let attributes = axis.map(|axis| number("axis", axis)).into_iter().collect();
        self.dequantize_node(base, None, [stored, scale, zero_point], &output, attributes);
        self.quantizers.push(WrittenQuantizer {
            output: output.clone(),
            scales: scales.to_vec(),
            zero_points: Vec::new(),
            kind,
        });
        output
    }
}

/// A DequantizeLinear with one scale, or one for each index of `axis`.
fn along<'a>(
    axis: Option<usize>,
    base: &'a str,
    shape: &'a [usize],
    codes: &'a [i32],
    kind: DataType,
    (scales, zero_points): (Vec<f32>, Vec<i32>),
) -> Dequantizer<'a> {
    let parameter_shape = if axis.is_some() { vec![scales.len()] } else { Vec::new() };
    let attributes = axis.map(|axis| number("axis", axis)).into_iter().collect();
    Dequantizer { base, shape, codes, kind, scales, zero_points, parameter_shape, attributes }
}

fn split(params: &[QuantParams]) -> (Vec<f32>, Vec<i32>) {
    params.iter().map(|p| (p.scale, p.zero_point)).unzip()
}

fn number(name: &str, value: usize) -> AttributeProto {
    integer_attribute(name, i64::try_from(value).unwrap_or(i64::MAX))
}

/// The smallest type that stock onnxruntime stores weights of this grid in.
pub(super) fn weight_type(params: &[QuantParams]) -> DataType {
    let is_signed = params.first().is_none_or(|p| p.grid.is_signed());
    match (params.first().map_or(8, |p: &QuantParams| storage_bits(p.grid)), is_signed) {
        (4, true) => DataType::Int4,
        (4, false) => DataType::Uint4,
        (8, true) => DataType::Int8,
        (8, false) => DataType::Uint8,
        (_, true) => DataType::Int16,
        (_, false) => DataType::Uint16,
    }
}

fn storage_bits(grid: Grid) -> u8 {
    crate::workbench::storage_bits(grid.bits())
}
