//! The nodes of one activation quantizer: a Clip where the grid is narrower than its container, then QuantizeLinear and
//! DequantizeLinear, or two Casts.

use super::{
    names::QUANTIZED,
    needed::is_own_pair,
    qdq::{MICROSOFT, Pair, Writer, WrittenQuantizer},
};
use crate::{
    error::Result,
    onnx::proto::{AttributeProto, DataType, NodeProto, TensorProto},
    plan::TensorQuantizer,
    quant::{FloatFormat, Grid, QuantParams, Quantizer},
};

/// `AttributeProto.AttributeType.FLOAT` and `INT`.
const ATTRIBUTE_FLOAT: i32 = 1;
const ATTRIBUTE_INT: i32 = 2;

impl Writer<'_> {
    /// `from` → … → `output`, by whatever nodes the quantizer is.
    pub(super) fn pair(&mut self, place: &Pair, quantizer: &TensorQuantizer) -> Result<()> {
        match quantizer.quantizer {
            Quantizer::Integer(params) => self.integer_pair(place, &params)?,
            Quantizer::Float { format, scale } if format.has_scale() => self.float8_pair(place, format, scale),
            Quantizer::Float { format, .. } => self.cast_pair(place, format),
        }
        Ok(())
    }

    /// `from` → (Clip →) QuantizeLinear → DequantizeLinear → `output`.
    fn integer_pair(&mut self, place: &Pair, params: &QuantParams) -> Result<()> {
        let Pair { base, output, .. } = place;
        let from = if params.grid.is_narrower_than_container() && !place.on_grid {
            self.clip(base, &place.from, params)
        } else {
            place.from.clone()
        };
        let kind = activation_type(params.grid);
        let scale = self.float_initializer(&format!("{base}_scale"), &[params.scale], false);
        let zero_point = self.integer_initializer(&format!("{base}_zero_point"), &[params.zero_point], kind, false)?;
        let domain = self.domain(is_own_pair(self.opset, kind, || place.pushed_on));
        self.quantize_and_dequantize(place, from, domain, [scale, zero_point]);
        self.quantizers.push(WrittenQuantizer {
            output: output.clone(),
            scales: vec![params.scale],
            zero_points: vec![params.zero_point],
            kind,
        });
        Ok(())
    }

    /// `from` → QuantizeLinear → DequantizeLinear → `output` on an 8-bit float.
    ///
    /// Behind a Clip the same is written as Div, Cast, Cast, Mul: with optimization on, onnxruntime (1.32) looks for what
    /// a Clip leaves to a QuantizeLinear after it, knows integers only, and refuses the file.
    fn float8_pair(&mut self, place: &Pair, format: FloatFormat, scale: f32) {
        let base = &place.base;
        let kind = float_type(format);
        self.uses_float8 = true;
        let scale_name = self.float_initializer(&format!("{base}_scale"), &[scale], false);
        if place.after_clip {
            let [quotient, code, value] =
                ["Div_Output", format.name(), "Cast_Output"].map(|end| self.names.fresh(&format!("{base}_{end}")));
            self.binary("Div", base, [place.from.clone(), scale_name.clone()], quotient.clone());
            self.cast(base, quotient, code.clone(), kind);
            self.cast(base, code, value.clone(), DataType::Float);
            self.binary("Mul", base, [value, scale_name], place.output.clone());
            return;
        }
        let zero_point = self.float8_zero(&format!("{base}_zero_point"), kind, &[]);
        self.quantize_and_dequantize(place, place.from.clone(), None, [scale_name, zero_point]);
        let output = place.output.clone();
        self.quantizers.push(WrittenQuantizer { output, scales: vec![scale], zero_points: Vec::new(), kind });
    }

    fn quantize_and_dequantize(
        &mut self,
        place: &Pair,
        from: String,
        domain: Option<String>,
        [scale, zero_point]: [String; 2],
    ) {
        let base = &place.base;
        let quantized = self.names.fresh(&format!("{base}{QUANTIZED}"));
        let make = |op: &str, input: String, output: &str, name: String| NodeProto {
            op_type: Some(op.into()),
            domain: domain.clone(),
            input: vec![input, scale.clone(), zero_point.clone()],
            output: vec![output.to_owned()],
            name: Some(name),
            ..NodeProto::default()
        };
        let [quantize, dequantize] =
            ["QuantizeLinear", "DequantizeLinear"].map(|op| self.names.fresh(&format!("{base}_{op}")));
        self.nodes.push(make("QuantizeLinear", from, &quantized, quantize));
        self.nodes.push(make("DequantizeLinear", quantized, &place.output, dequantize));
    }

    /// `from` → Cast → Cast → `output`.
    fn cast_pair(&mut self, place: &Pair, format: FloatFormat) {
        let small = self.names.fresh(&format!("{}_{}", place.base, format.name()));
        self.cast(&place.base, place.from.clone(), small.clone(), float_type(format));
        self.cast(&place.base, small, place.output.clone(), DataType::Float);
    }

    fn binary(&mut self, op: &str, base: &str, input: [String; 2], output: String) {
        let name = self.names.fresh(&format!("{base}_{op}"));
        self.nodes.push(NodeProto {
            op_type: Some(op.into()),
            input: input.to_vec(),
            output: vec![output],
            name: Some(name),
            ..NodeProto::default()
        });
    }

    /// One Cast to `kind`.
    pub(super) fn cast(&mut self, base: &str, from: String, output: String, kind: DataType) {
        let name = self.names.fresh(&format!("{base}_Cast"));
        self.nodes.push(NodeProto {
            op_type: Some("Cast".into()),
            input: vec![from],
            output: vec![output],
            name: Some(name),
            attribute: vec![integer_attribute("to", i64::from(kind as i32))],
            ..NodeProto::default()
        });
    }

    /// A zero-point of 8-bit floats: zeros of this shape.
    pub(super) fn float8_zero(&mut self, wanted: &str, kind: DataType, shape: &[usize]) -> String {
        let name = self.names.fresh(wanted);
        self.initializers.push(TensorProto {
            dims: shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
            data_type: Some(kind as i32),
            name: Some(name.clone()),
            raw_data: Some(vec![0; shape.iter().product()].into()),
            ..TensorProto::default()
        });
        name
    }

    /// A Clip to what a grid narrower than its container can represent; returns its output.
    fn clip(&mut self, base: &str, from: &str, params: &QuantParams) -> String {
        let bounds = params.representable();
        let output = self.names.fresh(&format!("{base}_Clip_Output"));
        let mut node = NodeProto {
            op_type: Some("Clip".into()),
            input: vec![from.to_owned()],
            output: vec![output.clone()],
            name: Some(self.names.fresh(&format!("{base}_Clip"))),
            ..NodeProto::default()
        };
        if self.opset >= 11 {
            node.input.push(self.float_initializer(&format!("{base}_Clip_min"), &[bounds.low], false));
            node.input.push(self.float_initializer(&format!("{base}_Clip_max"), &[bounds.high], false));
        } else {
            node.attribute = vec![float_attribute("min", bounds.low), float_attribute("max", bounds.high)];
        }
        self.nodes.push(node);
        output
    }

    /// The domain of Q/DQ, of which ONNX's own may not do.
    pub(super) fn domain(&mut self, is_own: bool) -> Option<String> {
        self.uses_microsoft |= !is_own;
        (!is_own).then(|| MICROSOFT.to_owned())
    }
}

/// The type that `QuantizeLinear` writes for a grid.
pub(super) fn activation_type(grid: Grid) -> DataType {
    match (grid.container_bits(), grid.is_signed()) {
        (8, true) => DataType::Int8,
        (8, false) => DataType::Uint8,
        (_, true) => DataType::Int16,
        (_, false) => DataType::Uint16,
    }
}

/// ONNX's type of a small float.
pub(super) fn float_type(format: FloatFormat) -> DataType {
    match format {
        FloatFormat::Float8E4M3 => DataType::Float8e4m3fn,
        FloatFormat::Float8E5M2 => DataType::Float8e5m2,
        FloatFormat::BFloat16 => DataType::Bfloat16,
        FloatFormat::Float16 => DataType::Float16,
    }
}

/// An attribute that holds one integer.
pub(super) fn integer_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: Some(name.into()), i: Some(value), r#type: Some(ATTRIBUTE_INT), ..AttributeProto::default() }
}

fn float_attribute(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        f: Some(value),
        r#type: Some(ATTRIBUTE_FLOAT),
        ..AttributeProto::default()
    }
}
