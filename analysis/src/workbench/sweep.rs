//! A sweep: every layer asked alone, over samples whose float tensors are in memory or run again in turns.
//!
//! A layer's sessions are built once, serve all samples and are dropped, so a sweep leaves the engine's own sessions and
//! the cached weights as they were. With all samples in memory one layer is asked after the other; else as many layers
//! share each look at a sample as their plans have room, which in most networks is all of them.

mod ask;
mod values;

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use super::{LIVE_SAMPLES, Workbench, samples::no_data};
use crate::{
    config::QuantConfig,
    engine::{OwnSessions, Reference, Suffix},
    error::{Error, Result},
    graph::LayerId,
    job::Job,
    metrics::ErrorSums,
    plan::{FormatPlan, QuantPlan, TensorFormat, WeightCache, format_owner},
    quant::Bits,
    report::{SampleEnergy, Sweep, SweepTiming},
    sensitivity::{Question, Resamples, Solos, SweepRequest, candidates, without, worst_first},
    text::Text,
};

/// Plans that share a look at a sample that is not in memory, at least, and how many rows these may have together.
const TURN: usize = 16;
const TURN_ROWS: usize = 1 << 15;
/// Sweeps that are kept, so that a stopped one goes on and a repeated one is there at once.
const KEPT_SWEEPS: usize = 4;
/// A width that every grid has.
const COUNTED_AS: Bits = Bits::Int(8);
/// One plan that is asked, and what it has answered.
struct Item {
    layer: LayerId,
    bits: Option<Bits>,
    /// `None` where the target refuses the width, with the reason.
    plan: std::result::Result<QuantPlan, Text>,
    sessions: OwnSessions,
    /// By sample, by output; `None` where the output holds no floating-point values.
    sums: Vec<Vec<Option<ErrorSums>>>,
    /// By output, whether a value came through optimized sessions.
    estimates: Vec<bool>,
}

/// What stays the same for all layers of a sweep.
struct Ground {
    config: Arc<QuantConfig>,
    request: SweepRequest,
    /// Of the configuration, for a relief.
    base: Option<Arc<QuantPlan>>,
    /// The configuration's own output errors, by sample, by output, for a relief.
    base_sums: Vec<Vec<Option<ErrorSums>>>,
    samples: usize,
    /// For a sensitivity, once a layer is asked.
    solos: Option<Solos>,
    /// A cache apart from the clicks', which must stay: of layers that are float, as all are but the asked one.
    float_weights: WeightCache,
    suffix: Option<Suffix>,
    /// By sample, what the pieces make of it, once it is asked; `None` where one cannot be run.
    references: Vec<OnceLock<Option<Reference>>>,
    resamples: Resamples,
}

impl Workbench {
    /// Asks every layer. `on_layers` receives what is known after each of them, worst first as far as an earlier
    /// evaluation tells; a sweep that is cancelled leaves it at that, and the same one asked again goes on there.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a configuration or a request that cannot take effect, [`crate::Error::Data`] without
    /// samples, [`crate::Error::Runtime`], [`crate::Error::Cancelled`].
    pub fn sweep(
        &mut self,
        config: &Arc<QuantConfig>,
        request: &SweepRequest,
        job: &mut Job<'_>,
        on_layers: &mut dyn FnMut(Arc<Sweep>),
    ) -> Result<Arc<Sweep>> {
        let started = Instant::now();
        request.check()?;
        self.use_target_named(&config.target)?;
        let formats = Arc::new(FormatPlan::resolve(&self.graph, config)?);
        let is_it = |kept: &&Arc<Sweep>| kept.config == *config && kept.request == *request;
        let kept = self.kept_sweeps.iter().find(is_it).cloned();
        if let Some(whole) = kept.as_ref().filter(|kept| kept.layers_done == kept.layers_total) {
            return Ok(Arc::clone(whole));
        }
        self.reference(job)?;
        let available = self.data.as_ref().ok_or_else(no_data)?.samples.len();
        let samples = request.samples.clamp(1, available);
        let mut ground = Ground {
            config: Arc::clone(config),
            request: request.clone(),
            base: None,
            base_sums: Vec::new(),
            samples,
            solos: None,
            float_weights: WeightCache::new(),
            suffix: None,
            references: std::iter::repeat_with(OnceLock::new).take(samples).collect(),
            resamples: Resamples::new(samples),
        };
        let rows = kept.map(|kept| kept.rows.clone()).unwrap_or_default();
        let mut layers = self.layers_to_ask(config, &formats, request);
        let layers_total = layers.len();
        layers.retain(|layer| rows.iter().all(|row| row.index != *layer));
        match &request.question {
            Question::Sensitivity(_) => {
                self.count_for(&formats, &layers, job)?;
                if !request.exact {
                    self.prepare_suffix(&mut ground, job)?;
                }
            }
            Question::Relief => {
                let plan = self.plan(Arc::clone(&formats), job)?;
                self.bring(0..samples, &plan, job)?;
                let scores = &self.data.as_ref().ok_or_else(no_data)?.scores[..samples];
                let errors = scores.iter().map(|sample| sample.outputs.iter().map(|output| output.errors).collect());
                ground.base_sums = errors.collect();
                ground.base = Some(plan);
            }
        }
        let prepare_s = started.elapsed().as_secs_f64();
        self.engine.take_seconds();
        let mut sweep = Sweep {
            config: Arc::clone(config),
            request: request.clone(),
            samples,
            layers_done: layers_total - layers.len(),
            layers_total,
            rows,
            configuration: ground.outputs(self, &ground.base_sums, &[], false),
            timing: SweepTiming { prepare_s, ..SweepTiming::default() },
        };
        let turn = if self.are_resident(&ground)? { 1 } else { self.turn(request) };
        for group in layers.chunks(turn) {
            let mut items = self.items(&mut ground, group)?;
            let (done, total) = (sweep.layers_done, sweep.layers_total);
            self.ask_all(&ground, &mut items, job, &|samples_done| {
                (done + group.len() * samples_done / samples, total)
            })?;
            sweep.rows.extend(items.iter().map(|item| ground.row(self, item)));
            sweep.rows.sort_by_key(|row| row.index);
            sweep.layers_done += group.len();
            sweep.timing.load_s += self.engine.take_seconds().load_s;
            sweep.timing.total_s = started.elapsed().as_secs_f64();
            let so_far = Arc::new(sweep.clone());
            self.keep_sweep(Arc::clone(&so_far));
            if sweep.layers_done < sweep.layers_total {
                on_layers(so_far);
            }
        }
        job.step("sensitivity", "layers", sweep.layers_total, sweep.layers_total)?;
        Ok(Arc::new(sweep))
    }

    /// Keeps what a sweep has, in place of what it had before.
    fn keep_sweep(&mut self, sweep: Arc<Sweep>) {
        self.kept_sweeps.retain(|kept| kept.config != sweep.config || kept.request != sweep.request);
        self.kept_sweeps.push_back(sweep);
        if self.kept_sweeps.len() > KEPT_SWEEPS {
            self.kept_sweeps.pop_front();
        }
    }

    /// The layers of the request, in the order in which they are asked.
    fn layers_to_ask(&self, config: &QuantConfig, formats: &FormatPlan, request: &SweepRequest) -> Vec<LayerId> {
        let mut layers = candidates(&self.graph, request.kind);
        if request.question == Question::Relief {
            layers.retain(|&layer| without(&self.graph, config, formats, layer, request.kind).is_some());
        }
        let runs = self.data.as_ref().map(|d| d.samples.as_slice()).unwrap_or_default();
        worst_first(&mut layers, &|layer| {
            let each: Vec<ErrorSums> = runs.iter().filter_map(|run| run.layers.get(layer)?.local).collect();
            let sums = ErrorSums::merge_samples(&each);
            (!each.is_empty()).then_some(SampleEnergy { signal: sums.sum_f2, noise: sums.sum_e2 })
        });
        layers
    }

    /// Counts what the range methods of the layers need, in one look at the samples for all of them.
    fn count_for(&mut self, formats: &FormatPlan, layers: &[LayerId], job: &mut Job<'_>) -> Result<()> {
        let mut asked = formats.clone();
        for &layer in layers {
            let format = &formats.layers[layer];
            // Which tensors are counted depends on how a range is chosen, not on the width.
            let number = format.activation_grid.number(COUNTED_AS, &self.graph.target.activations)?;
            for &tensor in &self.graph.layers[format_owner(&self.graph, layer)].outputs {
                if let (Some(number), Some(_)) = (number, self.graph.quantizable.place(tensor)) {
                    asked.tensors[tensor] = Some(TensorFormat { number, range: format.range });
                }
            }
        }
        self.histograms(&self.counted_tensors(&asked), job)
    }

    /// Layers that share a look at a sample.
    fn turn(&self, request: &SweepRequest) -> usize {
        let widths = if let Question::Sensitivity(widths) = &request.question { widths.len() } else { 1 };
        ((TURN_ROWS / self.graph.layers.len().max(1)).max(TURN) / widths.max(1)).max(1)
    }

    /// The plans that are asked of these layers.
    fn items(&mut self, ground: &mut Ground, layers: &[LayerId]) -> Result<Vec<Item>> {
        let Ground { config, request, base, solos, float_weights: float, .. } = ground;
        let mut items = Vec::new();
        for &layer in layers {
            let mut add = |bits: Option<Bits>, plan| {
                let estimates = vec![false; self.graph.outputs.len()];
                let sessions = OwnSessions::default();
                items.push(Item { layer, bits, plan, sessions, sums: Vec::new(), estimates });
            };
            let statistics = &self.data.as_ref().ok_or_else(no_data)?.statistics;
            match (&request.question, &*base) {
                (Question::Sensitivity(widths), _) => {
                    let solos = match solos {
                        Some(solos) => solos,
                        None => solos.insert(Solos::new(&self.graph, config)?),
                    };
                    for &bits in widths {
                        let plan = match solos.formats(&self.graph, layer, request.kind, bits) {
                            Ok(formats) => Ok(QuantPlan::resolve(&self.graph, Arc::new(formats), statistics, float)?),
                            Err(Error::Config { reason, .. }) => Err(reason),
                            Err(other) => return Err(other),
                        };
                        add(Some(bits), plan);
                    }
                    // Its weights are asked for once.
                    float.remove(&layer);
                }
                (Question::Relief, Some(base)) => {
                    let relieved = without(&self.graph, config, &base.formats, layer, request.kind);
                    let Some(relieved) = relieved else { continue };
                    let formats = Arc::new(base.formats.amended(&self.graph, &relieved, &[layer])?);
                    add(None, Ok(base.relieved(&self.graph, formats, statistics, &mut self.weight_cache)?));
                }
                (Question::Relief, None) => {}
            }
        }
        Ok(items)
    }
}

impl SweepRequest {
    /// All of a layer's quantizers at these widths, over the live samples.
    pub fn sensitivity(bits: Vec<Bits>) -> Self {
        Self {
            question: Question::Sensitivity(bits),
            kind: crate::sensitivity::SweepKind::Both,
            samples: LIVE_SAMPLES,
            exact: false,
        }
    }
}
