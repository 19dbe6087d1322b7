//! What the Sensitivity page asks and what it has been told.

use std::sync::Arc;

use quantlens_analysis::{
    config::QuantConfig,
    quant::Bits,
    report::Sweep,
    sensitivity::{Question, SweepKind, SweepRequest, is_same_ground},
    workbench::LIVE_SAMPLES,
};

/// Which of the two questions is on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SweepView {
    /// Only this layer quantized.
    #[default]
    Sensitivity,
    /// All but this layer quantized.
    Relief,
}

/// The page's choices and its two results.
#[derive(Clone, Debug)]
pub struct SweepState {
    /// The question on screen.
    pub view: SweepView,
    /// Of which quantizers.
    pub kind: SweepKind,
    /// The widths to ask at, in the order of [`Bits::ALL`]; never empty.
    pub widths: Vec<Bits>,
    /// The width on screen; one of those that were asked.
    pub shown: Bits,
    /// Without estimates.
    pub exact: bool,
    /// What is being measured, and for which configuration.
    pub running: Option<(Arc<QuantConfig>, SweepRequest)>,
    /// The last sensitivity, whole or stopped.
    pub sensitivity: Option<Arc<Sweep>>,
    /// The last relief, whole or stopped.
    pub relief: Option<Arc<Sweep>>,
}

impl Default for SweepState {
    fn default() -> Self {
        Self {
            view: SweepView::Sensitivity,
            kind: SweepKind::Both,
            widths: vec![Bits::Int(4), Bits::Int(8)],
            shown: Bits::Int(8),
            exact: false,
            running: None,
            sensitivity: None,
            relief: None,
        }
    }
}

impl SweepState {
    /// What the button on the page asks for.
    pub fn request(&self) -> SweepRequest {
        let question = match self.view {
            SweepView::Sensitivity => Question::Sensitivity(self.widths.clone()),
            SweepView::Relief => Question::Relief,
        };
        SweepRequest { question, kind: self.kind, samples: LIVE_SAMPLES, exact: self.exact }
    }

    /// The values on screen.
    pub fn result(&self) -> Option<&Arc<Sweep>> {
        match self.view {
            SweepView::Sensitivity => self.sensitivity.as_ref(),
            SweepView::Relief => self.relief.as_ref(),
        }
    }

    /// Whether the values on screen are being measured now.
    pub fn is_running(&self) -> bool {
        let is_shown = |question: &Question| match self.view {
            SweepView::Sensitivity => matches!(question, Question::Sensitivity(_)),
            SweepView::Relief => *question == Question::Relief,
        };
        self.running.as_ref().is_some_and(|(_, request)| is_shown(&request.question))
    }

    /// Whether the values on screen are of another configuration than `config`, as far as they depend on it, or answer
    /// another request than the page's choices make.
    pub fn is_stale(&self, config: &QuantConfig) -> bool {
        self.result().is_some_and(|sweep| {
            !is_same_ground(&sweep.request.question, &sweep.config, config) || sweep.request != self.request()
        })
    }

    /// The width whose rows are on screen; `None` for a relief.
    pub fn shown_width(&self) -> Option<Bits> {
        let asked = match &self.result()?.request.question {
            Question::Sensitivity(widths) => widths,
            Question::Relief => return None,
        };
        Some(self.shown).filter(|shown| asked.contains(shown)).or_else(|| asked.first().copied())
    }

    /// Takes what a sweep tells.
    pub fn take(&mut self, sweep: Arc<Sweep>) {
        match sweep.request.question {
            Question::Sensitivity(_) => self.sensitivity = Some(sweep),
            Question::Relief => self.relief = Some(sweep),
        }
    }

    /// Other data or another model: no value holds any more.
    pub fn forget(&mut self) {
        (self.running, self.sensitivity, self.relief) = (None, None, None);
    }
}
