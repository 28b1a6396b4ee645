//! Colour profiles (ICC.1:2022). A profile says how numbers become colours: one that may say anything shows another picture
//! than the numbers that were scored. So only those are kept that say little: three primaries near those of displays,
//! and a curve near a gamma of two.

mod write;

/// The profile written anew, of nothing but its primaries and curves; nothing where it is no ICC profile of such a kind.
/// Private tags, texts and what lies between tags are places that decoders ignore, and so places to hide something in.
pub fn clean(profile: &[u8]) -> Option<Vec<u8>> {
    let declared = number(profile, 0)? as usize;
    let profile = profile.get(..declared)?;
    // Header by 7.2: size in bytes 0 to 3, colours and how they connect in 16 to 23, `acsp` in 36 to 39.
    if declared < 132 || profile.get(36..40)? != b"acsp" || profile.get(20..24)? != b"XYZ " {
        return None;
    }
    let tags = Tags(profile);
    // Where there are tables, they count in the place of primaries and curves.
    if tags.names().any(|name| matches!(&name[..3], b"A2B" | b"B2A" | b"D2B" | b"B2D") || &name == b"cicp") {
        return None;
    }
    let mut kept = Vec::new();
    let curves: &[&[u8; 4]] = match profile.get(16..20)? {
        b"RGB " => {
            for (name, bounds) in &PRIMARIES {
                kept.push((*name, tags.near(name, bounds)?));
            }
            &[b"rTRC", b"gTRC", b"bTRC"]
        }
        b"GRAY" => &[b"kTRC"],
        _ => return None,
    };
    for name in curves {
        kept.push((*name, tags.sane_curve(name)?));
    }
    Some(write::profile(profile, kept))
}

/// The least and the most of X, Y and Z.
type Bounds = [(f64, f64); 3];

/// Of the primaries, under the light that profiles connect by (D50): those of sRGB, Display P3, Adobe
/// RGB, Rec. 2020, ProPhoto and ColorMatch lie within, and nothing that turns one primary into another.
const PRIMARIES: [(&[u8; 4], Bounds); 3] = [
    (b"rXYZ", [(0.38, 0.85), (0.18, 0.36), (-0.03, 0.06)]),
    (b"gXYZ", [(0.08, 0.42), (0.55, 0.78), (-0.03, 0.15)]),
    (b"bXYZ", [(0.0, 0.2), (-0.02, 0.1), (0.62, 0.9)]),
];

/// Tags that are looked at; profiles have some dozens.
const MOST: usize = 256;
/// Points of a curve that are held against the bounds.
const POINTS: usize = 64;

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A number of 16 bits before the point and 16 behind (4.6).
fn fixed(bytes: &[u8], at: usize) -> Option<f64> {
    number(bytes, at).map(|n| f64::from(n.cast_signed()) / 65536.0)
}

struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    fn entries(&self) -> impl Iterator<Item = ([u8; 4], usize, usize)> + 'a {
        let profile = self.0;
        let count = number(profile, 128).map_or(0, |count| count as usize).min(MOST);
        (0..count).map_while(move |i| {
            let at = 132 + 12 * i;
            let name = profile.get(at..at + 4)?.try_into().ok()?;
            Some((name, number(profile, at + 4)? as usize, number(profile, at + 8)? as usize))
        })
    }

    fn names(&self) -> impl Iterator<Item = [u8; 4]> + 'a {
        self.entries().map(|(name, ..)| name)
    }

    /// The one tag of this name; `None` where there are two, of which readers take one or the other.
    fn tag(&self, name: &[u8; 4]) -> Option<&'a [u8]> {
        let profile = self.0;
        let mut all = self.entries().filter(|(other, ..)| other == name);
        let (_, from, length) = all.next()?;
        if all.next().is_some() || number(profile, 128)? as usize > MOST {
            return None;
        }
        profile.get(from..from.checked_add(length)?)
    }

    /// Three numbers within these bounds (10.31).
    fn near(&self, name: &[u8; 4], bounds: &Bounds) -> Option<Vec<u8>> {
        let tag = self.tag(name).filter(|tag| tag.starts_with(b"XYZ "))?;
        let is_near = |((least, most), at): (&(f64, f64), usize)| {
            fixed(tag, at).is_some_and(|value| (*least..=*most).contains(&value))
        };
        let near = bounds.iter().zip([8, 12, 16]).all(is_near);
        near.then(|| [b"XYZ \0\0\0\0", &tag[8..20]].concat())
    }

    /// A curve that lies between a gamma of 1.5 and one of 2.7 (10.6 and 10.18).
    fn sane_curve(&self, name: &[u8; 4]) -> Option<Vec<u8>> {
        let sane = |curve: &dyn Fn(f64) -> Option<f64>| {
            (0..=POINTS).all(|i| {
                let x = i as f64 / POINTS as f64;
                curve(x).is_some_and(|y| (x.powf(2.7) - 0.03..=x.powf(1.5) + 0.03).contains(&y))
            })
        };
        let tag = self.tag(name)?;
        match tag.get(..4)? {
            b"curv" => match number(tag, 8)? {
                1 => {
                    let gamma = *tag.get(12..)?.first_chunk::<2>()?;
                    let exponent = f64::from(u16::from_be_bytes(gamma)) / 256.0;
                    sane(&|x| Some(x.powf(exponent))).then(|| write::gamma(gamma))
                }
                count @ 2..=65536 => {
                    let curve = |x| table(tag, count as usize, x);
                    sane(&curve).then(|| write::table(count as usize, curve))?
                }
                _ => None,
            },
            b"para" => {
                sane(&|x| parametric(tag, x)).then_some(())?;
                write::parametric(tag)
            }
            _ => None,
        }
    }
}

/// Between the two entries around `x`. What lies between the points that are looked at must not be wild either: curves rise.
fn table(tag: &[u8], count: usize, x: f64) -> Option<f64> {
    let values = tag.get(12..12 + 2 * count)?.as_chunks::<2>().0;
    let value = |i: usize| values.get(i).map(|b| f64::from(u16::from_be_bytes(*b)) / 65535.0);
    if x == 0.0 && values.windows(2).any(|w| u16::from_be_bytes(w[1]) < u16::from_be_bytes(w[0])) {
        return None;
    }
    let place = x * (count - 1) as f64;
    let (below, share) = (place.floor(), place.fract());
    let (low, high) = (value(below as usize)?, value(place.ceil() as usize)?);
    Some(low + (high - low) * share)
}

/// Table 68 of 10.18.
fn parametric(tag: &[u8], x: f64) -> Option<f64> {
    let kind = u16::from_be_bytes(tag.get(8..10)?.try_into().ok()?);
    let p = |i: usize| fixed(tag, 12 + 4 * i);
    let (g, one) = (p(0)?, kind == 0);
    if one {
        return Some(x.powf(g));
    }
    let (a, b) = (p(1)?, p(2)?);
    let power = |c: f64| Some((a * x + b).max(0.0).powf(g) + c);
    match kind {
        1 => {
            if a * x + b >= 0.0 {
                power(0.0)
            } else {
                Some(0.0)
            }
        }
        2 => {
            if a * x + b >= 0.0 {
                power(p(3)?)
            } else {
                p(3)
            }
        }
        3 => {
            if x >= p(4)? {
                power(0.0)
            } else {
                Some(p(3)? * x)
            }
        }
        4 => {
            if x >= p(4)? {
                power(p(5)?)
            } else {
                Some(p(3)? * x + p(6)?)
            }
        }
        _ => None,
    }
}
