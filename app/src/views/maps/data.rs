//! The maps as numbers: a line for each, with its values in both runs in JSON.

use quantlens_analysis::report::{FeatureMap, FeatureMaps};

use super::{is_charts, shown};
use crate::{
    document::Document,
    figure::data::{Cell, FigureData},
};

/// The numbers of the page; `None` while there are none, and where charts have them.
pub fn maps_data(doc: &Document) -> Option<FigureData> {
    let maps = shown(doc).filter(|maps| maps.why_none.is_none() && !is_charts(maps))?;
    let about = vec![
        ("figure", Cell::text("maps")),
        ("layer", Cell::text(&maps.layer)),
        ("tensor", Cell::text(&maps.tensor)),
        ("sample", Cell::Count(maps.sample)),
        ("sample_name", Cell::text(&maps.sample_name)),
        ("synthetic", Cell::Flag(doc.data.as_ref().is_some_and(|data| data.synthetic))),
        ("shape", Cell::Counts(maps.shape.clone())),
        ("maps", Cell::Count(maps.total)),
        ("width", Cell::Count(maps.width)),
        ("height", Cell::Count(maps.height)),
        ("step", Cell::Count(maps.step)),
        ("sqnr_db", Cell::Measure(maps.errors.sqnr_db)),
        ("max_abs", Cell::Measure(maps.errors.max_abs)),
    ];
    let values = |of: fn(&FeatureMap) -> &Vec<f32>| maps.maps.iter().map(|map| of(map).clone()).collect();
    Some(FigureData {
        about,
        columns: vec!["name", "place", "sqnr_db", "noise", "low", "high"],
        rows: maps.maps.iter().map(|map| row(maps, map)).collect(),
        lists: vec![("float", values(|map| &map.float)), ("quantized", values(|map| &map.quantized))],
    })
}

fn row(maps: &FeatureMaps, map: &FeatureMap) -> Vec<Cell> {
    vec![
        Cell::text(maps.name(map)),
        Cell::Counts(map.place.clone()),
        Cell::Measure(map.sqnr_db),
        Cell::Number(map.noise),
        Cell::Single(map.low),
        Cell::Single(map.high),
    ]
}
