//! The maps as a file has them: the same pixels and the same words as on screen.

use egui::Theme;
use quantlens_analysis::{report::FeatureMaps, t};

use super::{is_charts, scope_of, sentence, shown, textures::pixels};
use crate::{
    document::Document,
    figure::tiles::{KeyPart, Raster, Tile, Tiles},
    format, theme,
};

/// Least width of three pictures side by side, with their name and range; most height of one.
const PICTURES: (i32, i32) = (264, 96);
/// The same where a map is a row, or has the features of tokens: three narrow strips tell nothing.
const STRIPS: (i32, i32) = (620, 60);

/// The maps of the page in the colours of this theme; `None` while there are none, and where they are drawn as charts.
pub fn maps_tiles(doc: &Document, theme: Theme) -> Option<Tiles> {
    let maps = shown(doc).filter(|maps| maps.why_none.is_none() && !is_charts(maps))?;
    let is_strips = maps.shape.len() <= 3;
    let size = [maps.width, maps.height];
    let tile = |map| {
        let rasters = pixels(maps, map, theme).map(|pixels| Raster { size, pixels, is_stretched: is_strips });
        let range =
            format!("{} … {}", format::significant(f64::from(map.low), 3), format::significant(f64::from(map.high), 3));
        let name = format!("{}  {}", maps.name(map), format::db_unit(map.sqnr_db));
        Tile { pictures: rasters.into(), text: String::new(), lines: vec![(name, false), (range, true)] }
    };
    let mut stamp = format::sentence(&format::scope(&scope_of(doc, maps)));
    if doc.data.as_ref().is_some_and(|data| data.synthetic) {
        stamp = format!("{stamp} · {}", t!("synthetic ranges"));
    }
    Some(Tiles {
        title: t!("Output of {}", maps.layer),
        stamp,
        key: key(maps, theme),
        tiles: maps.maps.iter().map(tile).collect(),
        tile_size: if is_strips { STRIPS } else { PICTURES },
        summary: sentence(maps),
    })
}

/// What the colours mean, as the page says it.
fn key(maps: &FeatureMaps, theme: Theme) -> Vec<KeyPart> {
    let most = format::significant(f64::from(maps.max_abs_error), 3);
    vec![
        KeyPart::Words(t!("Float, quantized").into()),
        KeyPart::Bar(Raster::bar(theme::value_colour)),
        KeyPart::Words(t!("and error, −{}", most)),
        KeyPart::Bar(Raster::bar(|share| theme::signed_colour(theme, 2.0 * share - 1.0))),
        KeyPart::Words(format!("+{most}")),
    ]
}
