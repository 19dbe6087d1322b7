//! A sweep: every layer asked alone, over samples whose float tensors are in memory or run again in turns.
//!
//! A layer's sessions are built once, serve all samples and are dropped, so a sweep leaves the engine's own sessions and
//! the cached weights as they were. With all samples in memory one layer is asked after the other; else a handful of
//! layers share each look at a sample.

mod values;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use self::values::sums;
use super::{LIVE_SAMPLES, Workbench, cost, samples::no_data};
use crate::{
    config::QuantConfig,
    engine::{Changed, OwnSessions, Reference, Start, Store, Suffix},
    error::{Error, Result},
    graph::{LayerId, TensorId},
    job::{CancelToken, Job},
    metrics::ErrorSums,
    parallel,
    plan::{FormatPlan, QuantPlan, TensorFormat, WeightCache, format_owner},
    quant::Bits,
    report::{SampleEnergy, Sweep, SweepTiming},
    sensitivity::{Question, Resamples, Solos, SweepRequest, candidates, segment_work, without, worst_first},
    text::Text,
};

/// Layers that share a look at a sample that is not in memory.
const TURN: usize = 16;
/// Sweeps that are kept, so that a stopped one goes on and a repeated one is there at once.
const KEPT_SWEEPS: usize = 4;
/// A width that every grid has.
const COUNTED_AS: Bits = Bits::Int(8);
/// Pieces of the float network behind a layer: with fewer the way to the next checkpoint is longer, which runs without
/// optimization; with more, more of them reorder their inputs.
const PIECES: usize = 12;

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

/// What one item says about one output of one sample.
#[derive(Clone)]
struct Answer {
    /// `None` where the output holds no floating-point values.
    sums: Option<ErrorSums>,
    is_estimate: bool,
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
    /// By sample.
    references: Vec<Option<Reference>>,
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
            references: Vec::new(),
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
                for index in 0..samples {
                    job.step("quantized run", "samples", index, samples)?;
                    self.bring(index..index + 1, &plan, job)?;
                    let scores = &self.data.as_ref().ok_or_else(no_data)?.scores[index];
                    ground.base_sums.push(scores.outputs.iter().map(|o| o.errors).collect());
                }
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
        let turn = if self.are_resident(&ground)? { 1 } else { TURN };
        for group in layers.chunks(turn) {
            job.step("sensitivity", "layers", sweep.layers_done, sweep.layers_total)?;
            let mut items = self.items(&mut ground, group)?;
            self.ask_all(&ground, &mut items, &job.cancel)?;
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

    /// The float network in optimized pieces, and what they make of each sample.
    fn prepare_suffix(&mut self, ground: &mut Ground, job: &mut Job<'_>) -> Result<()> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let macs: Vec<u64> = (0..self.graph.layers.len()).map(|l| cost::macs(&self.graph, l, &data.shapes)).collect();
        let work = segment_work(&self.graph, &data.shapes, &macs);
        let Some(suffix) = self.engine.suffix(&work, &data.shapes, PIECES, &job.cancel)? else { return Ok(()) };
        self.engine.prepare(None, &job.cancel)?;
        let (samples, cancel, mut done) = (ground.samples, job.cancel.clone(), 0);
        let mut references = vec![None; samples];
        let bench = &*self;
        let refer = |index| match suffix.reference(&bench.float_run(index, &cancel)?, &cancel) {
            Ok(reference) => Ok((index, Some(reference))),
            Err(Error::Cancelled) => Err(Error::Cancelled),
            // A piece that cannot be run gives no estimates: the engine's own segments answer.
            Err(_) => Ok((index, None)),
        };
        job.step("preparing estimates", "samples", 0, samples)?;
        parallel::for_each(0..samples, refer, |(index, reference)| {
            references[index] = reference;
            done += 1;
            job.step("preparing estimates", "samples", done, samples)
        })?;
        if references.iter().all(Option::is_some) {
            (ground.suffix, ground.references) = (Some(suffix), references);
        }
        Ok(())
    }

    fn are_resident(&self, ground: &Ground) -> Result<bool> {
        let samples = &self.data.as_ref().ok_or_else(no_data)?.samples[..ground.samples];
        let needs_quantized = ground.base.is_some();
        Ok(samples.iter().all(|run| !run.float.is_empty() && (!needs_quantized || !run.quantized.is_empty())))
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

    /// Asks the items about every sample, side by side.
    fn ask_all(&mut self, ground: &Ground, items: &mut [Item], cancel: &CancelToken) -> Result<()> {
        self.engine.prepare(ground.base.as_deref(), cancel)?;
        let mut by_sample = vec![Vec::new(); ground.samples];
        let (bench, asked) = (&*self, &*items);
        let ask = |index| Ok((index, bench.ask(ground, index, asked, cancel)?));
        parallel::for_each(0..ground.samples, ask, |(index, answers)| {
            by_sample[index] = answers;
            Ok(())
        })?;
        for answers in by_sample {
            for (item, answer) in items.iter_mut().filter(|item| item.plan.is_ok()).zip(answers) {
                item.estimates.iter_mut().zip(&answer).for_each(|(all, one)| *all |= one.is_estimate);
                item.sums.push(answer.into_iter().map(|one| one.sums).collect());
            }
        }
        Ok(())
    }

    /// Asks the items that have a plan about one sample: by item, by output.
    fn ask(&self, ground: &Ground, index: usize, items: &[Item], cancel: &CancelToken) -> Result<Vec<Vec<Answer>>> {
        let float = self.float_run(index, cancel)?;
        let run = match &ground.base {
            Some(base) => Some(self.quantized_store(index, &float, base, cancel)?),
            None => None,
        };
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            cancel.check()?;
            let Ok(plan) = &item.plan else { continue };
            let start = match (&run, &ground.base) {
                (Some(run), Some(base)) => Start { float: &float, run, plan: Some(base) },
                _ => Start { float: &float, run: &float, plan: None },
            };
            let end = self.engine.segments();
            let checkpoint = match (&ground.suffix, start.plan) {
                (Some(suffix), None) => suffix.checkpoint(self.engine.first_untouched(plan)),
                _ => None,
            };
            let to = checkpoint.unwrap_or(end);
            let mut changed = self.engine.wave(start, plan, &item.sessions, to, false, cancel)?;
            let mut pairs = BTreeMap::new();
            if let (Some(from), Some(suffix), Some(Some(reference))) =
                (checkpoint, &ground.suffix, ground.references.get(index))
                && !changed.is_empty()
            {
                match suffix.finish(reference, from, &changed, &float, cancel) {
                    Ok(found) => pairs = found,
                    // Values that decide on a shape made one that a piece was not built for.
                    Err(Error::Runtime { .. }) => {
                        changed = self.engine.wave(start, plan, &item.sessions, end, false, cancel)?;
                    }
                    Err(other) => return Err(other),
                }
            }
            let answer = |tensor: &TensorId| match pairs.get(tensor) {
                Some((reference, value)) => Answer { sums: sums(reference, value), is_estimate: true },
                None => {
                    let value = changed.get(tensor).or(start.run[*tensor].as_ref());
                    let sums = float[*tensor].as_ref().zip(value).and_then(|(f, v)| sums(f, v));
                    Answer { sums, is_estimate: false }
                }
            };
            answers.push(self.graph.outputs.iter().map(answer).collect());
        }
        Ok(answers)
    }

    /// The quantized tensors of a sample under `base`: cached, or from the float ones.
    fn quantized_store(
        &self,
        index: usize,
        float: &Store,
        base: &Arc<QuantPlan>,
        cancel: &CancelToken,
    ) -> Result<Store> {
        let run = &self.data.as_ref().ok_or_else(no_data)?.samples[index];
        if !run.quantized.is_empty() && run.plan.as_ref().is_some_and(|plan| Arc::ptr_eq(plan, base)) {
            return Ok(run.quantized_store());
        }
        let start = Start { float, run: float, plan: None };
        let end = self.engine.segments();
        let changed: Changed = self.engine.wave(start, base, &OwnSessions::default(), end, true, cancel)?;
        let mut store = float.clone();
        changed.into_iter().for_each(|(tensor, value)| store[tensor] = Some(value));
        Ok(store)
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
