//! Drawing on an RGB picture, in fractions of its edges.

use fastrand::Rng;
use image::{Rgb, RgbImage};

/// Across and down: as many places as a perceptual hash has cells.
const PLACES: (u32, u32) = (9, 8);
/// Parts of the way from one place to the next.
const PARTS: u32 = 256;

/// A colour.
pub type Colour = [u8; 3];

/// The place before this pixel, and how far it is on the way to the next one. Places lie in the middle of their parts of
/// the edge.
fn between(pixel: u32, pixels: u32, places: u32) -> (u32, i32) {
    let way = u64::from(pixel) * u64::from(places * PARTS) / u64::from(pixels.max(1));
    let way = (way as u32)
        .saturating_sub(PARTS / 2)
        .min((places - 1) * PARTS - 1);
    (way / PARTS, (way % PARTS) as i32)
}

fn mixed(one: i32, other: i32, way: i32) -> i32 {
    one + (other - one) * way / PARTS as i32
}

/// A picture to draw on; coordinates are fractions of its width and height.
#[derive(Debug)]
pub struct Canvas {
    picture: RgbImage,
}

impl Canvas {
    /// A picture that fades from one colour, at the top, to another.
    pub fn fading(width: u32, height: u32, top: Colour, bottom: Colour) -> Self {
        let mut picture = RgbImage::new(width, height);
        let rows = height.max(1);
        for (y, row) in picture.enumerate_rows_mut() {
            let mix = |(from, to): (u8, u8)| {
                ((u32::from(from) * (rows - y) + u32::from(to) * y) / rows) as u8
            };
            let colour = Rgb([
                mix((top[0], bottom[0])),
                mix((top[1], bottom[1])),
                mix((top[2], bottom[2])),
            ]);
            row.for_each(|(_, _, pixel)| *pixel = colour);
        }
        Self { picture }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.picture.dimensions()
    }

    /// Fills the pixels from (x, y) on.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        let (w, h) = self.size();
        for row in y.min(h)..(y.saturating_add(height)).min(h) {
            for column in x.min(w)..(x.saturating_add(width)).min(w) {
                self.picture.put_pixel(column, row, Rgb(colour));
            }
        }
    }

    /// A rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, colour: Colour) {
        let (w, h) = self.size();
        let px = |fraction: f64, edge: u32| (fraction.max(0.0) * f64::from(edge)) as u32;
        self.fill(px(x, w), px(y, h), px(width, w), px(height, h), colour);
    }

    /// A disc; the radius is a fraction of the width.
    pub fn disc(&mut self, x: f64, y: f64, radius: f64, colour: Colour) {
        let (w, h) = self.size();
        let (cx, cy, r) = (x * f64::from(w), y * f64::from(h), radius * f64::from(w));
        for row in (cy - r).max(0.0) as u32..((cy + r).max(0.0) as u32).min(h) {
            let half = (r * r - (f64::from(row) - cy).powi(2)).max(0.0).sqrt();
            self.fill(
                (cx - half).max(0.0) as u32,
                row,
                (2.0 * half) as u32,
                1,
                colour,
            );
        }
    }

    /// A line of discs.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), thickness: f64, colour: Colour) {
        for step in 0..=300 {
            let t = f64::from(step) / 300.0;
            self.disc(
                from.0 + (to.0 - from.0) * t,
                from.1 + (to.1 - from.1) * t,
                thickness / 2.0,
                colour,
            );
        }
    }

    /// Lays a picture over this one: its centre at a fraction of the edges, turned by so many degrees.
    pub fn lay(&mut self, over: &RgbImage, centre: (f64, f64), degrees: f64) {
        let (w, h) = self.size();
        let (cx, cy) = (centre.0 * f64::from(w), centre.1 * f64::from(h));
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let half = (
            f64::from(over.width()) / 2.0,
            f64::from(over.height()) / 2.0,
        );
        let reach = half.0.hypot(half.1).ceil();
        let rows = (cy - reach).max(0.0) as u32..((cy + reach).max(0.0) as u32).min(h);
        let columns = (cx - reach).max(0.0) as u32..((cx + reach).max(0.0) as u32).min(w);
        for (y, x) in rows.flat_map(|y| columns.clone().map(move |x| (y, x))) {
            let (dx, dy) = (f64::from(x) + 0.5 - cx, f64::from(y) + 0.5 - cy);
            let u = dx * cosine + dy * sine + half.0;
            let v = dy * cosine - dx * sine + half.1;
            let within = u > 1.0 && v > 1.0 && u < 2.0 * half.0 - 1.0 && v < 2.0 * half.1 - 1.0;
            if within
                && let Some(pixel) =
                    image::imageops::interpolate_bilinear(over, (u - 0.5) as f32, (v - 0.5) as f32)
            {
                self.picture.put_pixel(x, y, pixel);
            }
        }
    }

    /// Adds noise as a sensor does: a little to each pixel, bell-shaped, alike in the three channels.
    pub fn add_noise(&mut self, strength: u8, random: &mut Rng) {
        let range = u64::from(strength);
        for pixels in self.picture.chunks_mut(3) {
            let bits = random.u64(..);
            let sum = (0..4)
                .map(|part| ((bits >> (part * 16)) & 0xFFFF) * range / 0x1_0000)
                .sum::<u64>();
            let shift = sum as i16 - 2 * range as i16;
            pixels
                .iter_mut()
                .for_each(|channel| *channel = (i16::from(*channel) + shift).clamp(0, 255) as u8);
        }
    }

    /// Adds light and shade that no two photos share: places are brighter or darker by up to so many levels, and it changes
    /// softly from one to the next. Else drawings of the same scene look the same.
    pub fn add_light(&mut self, strength: u8, random: &mut Rng) {
        let strength = i32::from(strength);
        let place = |_| random.i32(-strength..=strength);
        let places: Vec<i32> = (0..PLACES.0 * PLACES.1).map(place).collect();
        let (width, height) = self.size();
        for (y, row) in self.picture.enumerate_rows_mut() {
            let (above, down) = between(y, height, PLACES.1);
            let at = |row: u32, column: u32| {
                let place = places.get((row * PLACES.0 + column) as usize);
                place.copied().unwrap_or_default()
            };
            let lights: Vec<i32> = (0..PLACES.0)
                .map(|column| mixed(at(above, column), at(above + 1, column), down))
                .collect();
            for (x, _, pixel) in row {
                let (left, right) = between(x, width, PLACES.0);
                let light = |column: u32| lights.get(column as usize).copied().unwrap_or_default();
                let shift = mixed(light(left), light(left + 1), right);
                let lit = |channel: u8| (i32::from(channel) + shift).clamp(0, 255) as u8;
                pixel.0 = pixel.0.map(lit);
            }
        }
    }

    /// The picture.
    pub fn into_picture(self) -> RgbImage {
        self.picture
    }
}
