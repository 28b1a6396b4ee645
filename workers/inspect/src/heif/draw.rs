//! From the primary item to the coded pieces that it is made of.

use super::grid::Grid;
use super::meta::{Item, Meta};
use super::properties::{Properties, Told};
use super::transforms::Shown;
use super::{Codec, Coded, Drawn, Flaw, Still};
use crate::quote::quoted_bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Items that show another one as it is, one after another.
const DEPTH: usize = 4;

/// What auxiliary pictures of transparency are called, by MIAF and by HEVC.
const ALPHA: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// Fills a slice with the bytes of the file at a place.
pub(super) type Reading<'a> = &'a mut dyn FnMut(u64, &mut [u8]) -> io::Result<()>;

/// `size` is the file's.
pub(super) fn draw(meta: &Meta<'_>, size: u64, sequence: bool, reading: Reading<'_>) -> Result<Still, Flaw> {
    let mut artist = Artist { meta, size, reading, alphas: alphas(meta)?, used: BTreeSet::new(), bytes: 0 };
    let picture = artist.picture(meta.primary, 0)?;
    let alpha = artist.alpha_of(&picture)?;
    let premultiplied = match &alpha {
        Some((_, ids)) => artist.is_premultiplied(&picture, ids)?,
        None => false,
    };
    let others = meta.items.keys().any(|id| !artist.used.contains(id));
    let exif = artist.exif_of(&picture);
    Ok(Still {
        exif,
        beside: others || meta.alternatives || sequence || picture.shown.crop.is_some(),
        colour: picture.drawn,
        alpha: alpha.map(|(drawn, _)| drawn),
        premultiplied,
        crop: picture.shown.crop,
        orientation: picture.shown.orientation(),
        colours: picture.colours.owned(),
        sequence,
    })
}

/// The pictures of transparency that each item has.
fn alphas(meta: &Meta<'_>) -> Result<BTreeMap<u32, Vec<u32>>, Flaw> {
    let mut all: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (id, item) in &meta.items {
        if item.referred(*b"auxl").next().is_none() {
            continue;
        }
        let auxiliary = Properties::of(meta, item)?.auxiliary;
        if auxiliary.is_some_and(|name| ALPHA.contains(&name)) {
            item.referred(*b"auxl").for_each(|of| all.entry(of).or_default().push(*id));
        }
    }
    Ok(all)
}

/// An item that can be shown.
struct Picture<'a> {
    /// The item, and those that it shows as they are.
    ids: Vec<u32>,
    drawn: Drawn,
    tiles: Vec<u32>,
    shown: Shown,
    colours: Told<'a>,
}

struct Artist<'a, 'b> {
    meta: &'b Meta<'a>,
    /// Of the file.
    size: u64,
    reading: Reading<'b>,
    alphas: BTreeMap<u32, Vec<u32>>,
    used: BTreeSet<u32>,
    /// Of all coded items so far.
    bytes: u64,
}

impl<'a> Artist<'a, '_> {
    fn picture(&mut self, id: u32, depth: usize) -> Result<Picture<'a>, Flaw> {
        let item = self.meta.item(id)?;
        self.used.insert(id);
        let own = self.properties(id, item)?;
        let mut picture = match &item.kind {
            b"iden" => {
                let mut from = item.referred(*b"dimg");
                let (Some(source), None) = (from.next(), from.next()) else {
                    return Err(Flaw::malformed(format!("item {id} is to show one other and does not")));
                };
                if depth == DEPTH {
                    return Err(Flaw::malformed("items that show one another"));
                }
                let mut picture = self.picture(source, depth + 1)?;
                picture.ids.push(id);
                picture.colours = own.colours.or(picture.colours);
                picture
            }
            b"grid" => {
                let (drawn, tiles, of_tiles) = self.grid(id, item, &own)?;
                let colours = own.colours.or(of_tiles);
                Picture { ids: vec![id], drawn, tiles, shown: Shown::default(), colours }
            }
            _ => {
                let tiles = vec![self.coded(id, item, &own)?];
                let tile = self.sized(id, &own)?;
                let drawn = Drawn { width: tile.0, height: tile.1, columns: 1, tile, tiles };
                Picture {
                    ids: vec![id],
                    drawn,
                    tiles: vec![id],
                    shown: Shown::default(),
                    colours: own.colours,
                }
            }
        };
        let size = (picture.drawn.width, picture.drawn.height);
        own.transforms.iter().try_for_each(|transform| picture.shown.then(*transform, size))?;
        Ok(picture)
    }

    fn properties(&self, id: u32, item: &Item) -> Result<Properties<'a>, Flaw> {
        if item.protected {
            return Err(Flaw::unsupported(format!("item {id} is encrypted")));
        }
        Properties::of(self.meta, item)
    }

    fn sized(&self, id: u32, own: &Properties<'_>) -> Result<(u32, u32), Flaw> {
        own.size
            .filter(|(width, height)| *width > 0 && *height > 0)
            .ok_or_else(|| Flaw::malformed(format!("item {id} has no size")))
    }

    fn coded(&mut self, id: u32, item: &Item, own: &Properties<'_>) -> Result<Coded, Flaw> {
        let codec = match &item.kind {
            b"hvc1" => Codec::Hevc,
            b"av01" => Codec::Av1,
            other => return Err(Flaw::unsupported(format!("items of kind {}", quoted_bytes(other)))),
        };
        let head = own.head.filter(|(of, _)| *of == codec).map(|(_, range)| range);
        let head = head.ok_or_else(|| Flaw::malformed(format!("item {id} does not say how it is coded")))?;
        let pieces = self.pieces(id)?;
        self.bytes += pieces.iter().map(|(start, end)| end - start).sum::<u64>();
        // Items of one picture share no bytes, as a rule: so no byte is decoded a thousand times.
        if self.bytes > self.size {
            return Err(Flaw::malformed("its items are longer than the file"));
        }
        Ok(Coded { codec, head, pieces })
    }

    /// Where in the file the item lies.
    fn pieces(&self, id: u32) -> Result<Vec<(u64, u64)>, Flaw> {
        let nowhere = || Flaw::malformed(format!("item {id} lies nowhere"));
        let location = self.meta.locations.get(&id).ok_or_else(nowhere)?;
        if location.elsewhere {
            return Err(Flaw::unsupported(format!("item {id} lies in another file")));
        }
        let (start, end) = match location.method {
            0 => (0, self.size),
            1 => self.meta.data.ok_or_else(nowhere)?.range(),
            _ => return Err(Flaw::unsupported(format!("item {id} is made of other items"))),
        };
        let place = |(offset, length): &(u64, u64)| {
            let from = start.checked_add(*offset)?;
            let to = from.checked_add(*length).filter(|to| *length > 0 && *to <= end)?;
            Some((from, to))
        };
        let pieces: Option<Vec<_>> = location.pieces.iter().map(place).collect();
        pieces
            .filter(|pieces| !pieces.is_empty())
            .ok_or_else(|| Flaw::malformed(format!("item {id} does not lie where it is said to")))
    }

    /// ISO/IEC 23008-12, A.2.1. Nothing rests on it, so what is odd about it is no flaw of the picture.
    fn exif_of(&self, picture: &Picture<'_>) -> Vec<(u64, u64)> {
        let describes = |item: &Item| item.referred(*b"cdsc").any(|of| picture.ids.contains(&of));
        let mut all = self
            .meta
            .items
            .iter()
            .filter(|(_, item)| &item.kind == b"Exif" && !item.protected && describes(item));
        match (all.next(), all.next()) {
            (Some((id, _)), None) => self.pieces(*id).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn grid(
        &mut self,
        id: u32,
        item: &Item,
        own: &Properties<'_>,
    ) -> Result<(Drawn, Vec<u32>, Told<'a>), Flaw> {
        let grid = Grid::read(&self.content(id)?)?;
        if self.sized(id, own)? != grid.size {
            return Err(Flaw::malformed(format!("item {id} has two sizes")));
        }
        let ids: Vec<u32> = item.referred(*b"dimg").collect();
        if ids.len() as u64 != u64::from(grid.rows * grid.columns) {
            let (columns, rows) = (grid.columns, grid.rows);
            return Err(Flaw::malformed(format!("{} tiles for {columns}x{rows}", ids.len())));
        }
        let (drawn, colours) = self.tiles(&ids, &grid)?;
        Ok((drawn, ids, colours))
    }

    /// The bytes of a grid, which are few.
    fn content(&mut self, id: u32) -> Result<Vec<u8>, Flaw> {
        let pieces = self.pieces(id)?;
        let length: u64 = pieces.iter().map(|(start, end)| end - start).sum();
        if length > Grid::LONGEST {
            return Err(Flaw::malformed(format!("item {id} is too long for a grid")));
        }
        let mut bytes = Vec::new();
        for (start, end) in pieces {
            let mut piece = vec![0; (end - start) as usize];
            (self.reading)(start, &mut piece)?;
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    /// Tiles of one size that fit the grid, and their colours, which are the same.
    fn tiles(&mut self, ids: &[u32], grid: &Grid) -> Result<(Drawn, Told<'a>), Flaw> {
        let mut tiles = Vec::new();
        let mut alike: Option<((u32, u32), Told<'a>)> = None;
        for id in ids {
            let item = self.meta.item(*id)?;
            self.used.insert(*id);
            let own = self.properties(*id, item)?;
            if !own.transforms.is_empty() {
                return Err(Flaw::unsupported("tiles that are cropped or turned"));
            }
            tiles.push(self.coded(*id, item, &own)?);
            let kind = (self.sized(*id, &own)?, own.colours);
            if alike.get_or_insert(kind) != &kind {
                return Err(Flaw::malformed("tiles of several sizes or colours"));
            }
        }
        let Some((tile, colours)) = alike.filter(|(tile, _)| grid.fits(*tile)) else {
            return Err(Flaw::malformed("tiles that do not cover the picture"));
        };
        let (width, height) = grid.size;
        Ok((Drawn { width, height, columns: grid.columns, tile, tiles }, colours))
    }

    /// The auxiliary picture that says how opaque this one is, and the items that it is; of a grid each tile may have one.
    fn alpha_of(&mut self, picture: &Picture<'_>) -> Result<Option<(Drawn, Vec<u32>)>, Flaw> {
        let mut whole = None;
        for id in &picture.ids {
            let found = self.alpha_item(*id)?;
            if found.is_some() && whole.is_some() {
                return Err(Flaw::malformed("two pictures of its transparency"));
            }
            whole = whole.or(found);
        }
        let found = if let Some(id) = whole {
            let alpha = self.picture(id, DEPTH)?;
            if alpha.shown != Shown::default() && alpha.shown != picture.shown {
                return Err(Flaw::unsupported("transparency that is turned otherwise than its picture"));
            }
            Some((alpha.drawn, vec![id]))
        } else {
            self.alpha_of_tiles(picture)?
        };
        let size = |drawn: &Drawn| (drawn.width, drawn.height);
        if found.as_ref().is_some_and(|(alpha, _)| size(alpha) != size(&picture.drawn)) {
            return Err(Flaw::unsupported("transparency that is not as large as its picture"));
        }
        Ok(found)
    }

    fn alpha_of_tiles(&mut self, picture: &Picture<'_>) -> Result<Option<(Drawn, Vec<u32>)>, Flaw> {
        let mut ids = Vec::new();
        for tile in &picture.tiles {
            ids.extend(self.alpha_item(*tile)?);
        }
        if ids.is_empty() {
            return Ok(None);
        }
        if ids.len() != picture.tiles.len() {
            return Err(Flaw::unsupported("some of its tiles have transparency and some have none"));
        }
        let Drawn { width, height, columns, .. } = picture.drawn;
        let rows = ids.len() as u32 / columns.max(1);
        let (drawn, _) = self.tiles(&ids, &Grid { rows, columns, size: (width, height) })?;
        Ok(Some((drawn, ids)))
    }

    /// The one picture of transparency that this item has.
    fn alpha_item(&self, of: u32) -> Result<Option<u32>, Flaw> {
        match self.alphas.get(&of).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([alpha]) => Ok(Some(*alpha)),
            Some(_) => Err(Flaw::malformed("two pictures of its transparency")),
        }
    }

    /// Whether the colours of the picture, or of all of its tiles, are told to be multiplied by these.
    fn is_premultiplied(&self, picture: &Picture<'_>, alpha: &[u32]) -> Result<bool, Flaw> {
        let by = |id: &u32| -> Result<bool, Flaw> {
            Ok(self.meta.item(*id)?.referred(*b"prem").any(|to| alpha.contains(&to)))
        };
        for id in &picture.ids {
            if by(id)? {
                return Ok(true);
            }
        }
        let mut tiles = 0;
        for id in &picture.tiles {
            tiles += usize::from(by(id)?);
        }
        match tiles {
            0 => Ok(false),
            all if all == picture.tiles.len() => Ok(true),
            _ => Err(Flaw::unsupported(
                "some of its tiles are multiplied by their transparency and some are not",
            )),
        }
    }
}
