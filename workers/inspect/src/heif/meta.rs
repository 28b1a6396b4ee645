//! The box `meta`: items, what they refer to, their properties and where they lie.

use super::Flaw;
use super::fields::{Fields, Part};
use super::locations::{self, Location};
use crate::quote::quoted_bytes;
use std::collections::BTreeMap;

/// A picture of a hundred megapixels in tiles of 256 pixels a side has 1,526 of them.
pub(super) const ITEMS: usize = 8192;
/// From all items to all others.
const REFERENCES: usize = 1 << 16;
const PROPERTIES: usize = 1 << 15;

#[derive(Debug)]
pub(super) struct Meta<'a> {
    pub primary: u32,
    pub items: BTreeMap<u32, Item>,
    /// All there are, which items have by number, counted from 1.
    pub properties: Vec<Part<'a>>,
    pub locations: BTreeMap<u32, Location>,
    /// Beginning and end of the box's own media data in the file.
    pub data: Option<Fields<'a>>,
    /// Some items are named as alternatives of one another.
    pub alternatives: bool,
}

#[derive(Debug, Default)]
pub(super) struct Item {
    pub kind: [u8; 4],
    pub protected: bool,
    /// Numbers of its properties, and whether who does not know one must not show the item.
    pub properties: Vec<(usize, bool)>,
    pub references: Vec<([u8; 4], Vec<u32>)>,
}

impl Item {
    /// What it refers to in this way.
    pub(super) fn referred(&self, kind: [u8; 4]) -> impl Iterator<Item = u32> + '_ {
        self.references.iter().filter(move |(of, _)| *of == kind).flat_map(|(_, to)| to).copied()
    }
}

impl<'a> Meta<'a> {
    pub(super) fn read(mut fields: Fields<'a>) -> Result<Self, Flaw> {
        fields.version()?;
        let mut boxes: BTreeMap<[u8; 4], Fields<'a>> = BTreeMap::new();
        let mut alternatives = false;
        while let Some(Part { kind, content }) = fields.part()? {
            match &kind {
                b"hdlr" | b"pitm" | b"iinf" | b"iref" | b"iprp" | b"iloc" | b"idat"
                    if boxes.insert(kind, content).is_some() =>
                {
                    return Err(Flaw::malformed(format!("two boxes {}", quoted_bytes(&kind))));
                }
                b"grpl" => {
                    let mut groups = content;
                    while let Some(group) = groups.part()? {
                        alternatives |= &group.kind == b"altr";
                    }
                }
                _ => {}
            }
        }
        let needed = |kind: &[u8; 4]| {
            boxes.get(kind).copied().ok_or_else(|| Flaw::malformed(format!("no box {}", quoted_bytes(kind))))
        };
        let mut handler = needed(b"hdlr")?;
        handler.take(8)?;
        if &handler.kind()? != b"pict" {
            return Err(Flaw::malformed("its items are no pictures"));
        }
        let mut primary = needed(b"pitm")?;
        let (version, _) = primary.version()?;
        let primary = primary.id(version > 0)?;
        let mut items = items(needed(b"iinf")?)?;
        if let Some(fields) = boxes.get(b"iref") {
            references(*fields, &mut items)?;
        }
        let properties = properties(needed(b"iprp")?, &mut items)?;
        let locations = locations::read(needed(b"iloc")?)?;
        let data = boxes.get(b"idat").copied();
        Ok(Self { primary, items, properties, locations, data, alternatives })
    }

    pub(super) fn item(&self, id: u32) -> Result<&Item, Flaw> {
        self.items.get(&id).ok_or_else(|| Flaw::malformed(format!("there is no item {id}")))
    }
}

/// 8.11.6 of ISO/IEC 14496-12.
fn items(mut fields: Fields<'_>) -> Result<BTreeMap<u32, Item>, Flaw> {
    let (version, _) = fields.version()?;
    let count = fields.id(version > 0)?;
    let mut items = BTreeMap::new();
    while let Some(Part { kind, content: mut entry }) = fields.part()? {
        if items.len() == ITEMS {
            return Err(Flaw::Limit(format!("more than {ITEMS} items")));
        }
        let (version, _) = entry.version()?;
        if &kind != b"infe" {
            return Err(Flaw::malformed(format!("box {} among the items", quoted_bytes(&kind))));
        }
        let id = entry.id(version > 2)?;
        let protected = entry.u16()? != 0;
        // Older entries have no kind, and are no pictures.
        let kind = if version < 2 { [0; 4] } else { entry.kind()? };
        if items.insert(id, Item { kind, protected, ..Item::default() }).is_some() {
            return Err(Flaw::malformed(format!("two items {id}")));
        }
    }
    if items.len() as u64 != u64::from(count) {
        return Err(Flaw::malformed(format!("{count} items are told of, {} are there", items.len())));
    }
    Ok(items)
}

/// 8.11.12. What items refer to that are not there counts for nothing.
fn references(mut fields: Fields<'_>, items: &mut BTreeMap<u32, Item>) -> Result<(), Flaw> {
    let (version, _) = fields.version()?;
    let wide = version > 0;
    let mut total = 0;
    while let Some(Part { kind, content: mut entry }) = fields.part()? {
        let from = entry.id(wide)?;
        let count = usize::from(entry.u16()?);
        // A reference to nothing takes room too.
        total += count + 1;
        if total > REFERENCES {
            return Err(Flaw::Limit(format!("more than {REFERENCES} references between items")));
        }
        let to = (0..count).map(|_| entry.id(wide)).collect::<Result<_, _>>()?;
        if let Some(item) = items.get_mut(&from) {
            item.references.push((kind, to));
        }
    }
    Ok(())
}

/// ISO/IEC 23008-12, 9.3.
fn properties<'a>(mut fields: Fields<'a>, items: &mut BTreeMap<u32, Item>) -> Result<Vec<Part<'a>>, Flaw> {
    let (mut all, mut tables, mut stores) = (Vec::new(), Vec::new(), 0);
    while let Some(Part { kind, mut content }) = fields.part()? {
        match &kind {
            b"ipco" => {
                stores += 1;
                while let Some(property) = content.part()? {
                    if all.len() == PROPERTIES {
                        return Err(Flaw::Limit(format!("more than {PROPERTIES} properties")));
                    }
                    all.push(property);
                }
            }
            b"ipma" => tables.push(content),
            _ => {}
        }
    }
    if stores != 1 {
        return Err(Flaw::malformed(format!("{stores} boxes of properties, where one is to be")));
    }
    let mut told = 0;
    for mut table in tables {
        let (version, flags) = table.version()?;
        for _ in 0..table.u32()? {
            let (id, count) = (table.id(version > 0)?, table.u8()?);
            let mut own = Vec::new();
            for _ in 0..count {
                let number = if flags & 1 == 0 { u16::from(table.u8()?) << 8 } else { table.u16()? };
                let essential = number & 0x8000 != 0;
                let index = if flags & 1 == 0 { number >> 8 & 0x7f } else { number & 0x7fff };
                // 0: no property.
                if index > 0 {
                    own.push((usize::from(index), essential));
                }
            }
            told += own.len();
            if told > REFERENCES {
                return Err(Flaw::Limit(format!("more than {REFERENCES} properties of items")));
            }
            let Some(item) = items.get_mut(&id) else { continue };
            if !item.properties.is_empty() {
                return Err(Flaw::malformed(format!("properties of item {id} in two places")));
            }
            item.properties = own;
        }
    }
    Ok(all)
}
