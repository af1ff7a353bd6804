//! Drawing on an RGB picture, in fractions of its edges.

use fastrand::Rng;
use image::{Rgb, RgbImage};

/// A colour.
pub type Colour = [u8; 3];

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

    /// The picture.
    pub fn into_picture(self) -> RgbImage {
        self.picture
    }
}
