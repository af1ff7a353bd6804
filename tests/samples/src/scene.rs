//! What a person would recognise in a sample photo: a simple drawing per step.

use fastrand::Rng;

use crate::canvas::{Canvas, Colour};

const WALL: (Colour, Colour) = ([214, 206, 190], [186, 176, 158]);
const SKY: (Colour, Colour) = ([150, 190, 226], [128, 150, 96]);
const DARK: Colour = [40, 40, 46];
const WHITE: Colour = [236, 236, 232];
const GREEN: Colour = [40, 200, 70];
const BRICK: Colour = [164, 96, 74];

/// Draws the scene of a step, or an unrelated one.
pub fn draw(width: u32, height: u32, step: Option<&str>, random: &mut Rng) -> Canvas {
    let outside = matches!(
        step,
        Some("house_photo" | "cable_span" | "cable_entry_outside")
    );
    let (top, bottom) = if outside { SKY } else { WALL };
    let mut canvas = Canvas::fading(width, height, top, bottom);
    match step {
        Some("house_photo") => house(&mut canvas),
        Some("cable_span") => span(&mut canvas),
        Some("cable_entry_outside" | "cable_entry_inside") => entry(&mut canvas, outside),
        Some("wall_installation") => outlet(&mut canvas),
        Some("power_meter") => meter(&mut canvas),
        Some("ups_serial") => boxed(&mut canvas, DARK, WHITE),
        Some("ont_back_and_barcode") => boxed(&mut canvas, WHITE, DARK),
        Some("ont_lights_and_dr_label" | "final_installation") => lights(&mut canvas),
        _ => clutter(&mut canvas, random),
    }
    canvas
}

fn house(c: &mut Canvas) {
    c.rect(0.25, 0.40, 0.5, 0.42, BRICK);
    for row in 0..60 {
        let t = f64::from(row) / 60.0;
        c.rect(
            0.5 - 0.30 * t,
            0.22 + 0.18 * t,
            0.60 * t,
            0.004,
            [120, 60, 50],
        );
    }
    c.rect(0.46, 0.60, 0.08, 0.22, DARK);
    c.rect(0.30, 0.50, 0.10, 0.12, [180, 210, 230]);
    c.rect(0.60, 0.50, 0.10, 0.12, [180, 210, 230]);
}

fn span(c: &mut Canvas) {
    c.rect(0.48, 0.25, 0.02, 0.60, [96, 72, 50]);
    c.line((0.49, 0.28), (0.98, 0.48), 0.004, DARK);
    c.rect(0.44, 0.27, 0.10, 0.01, [96, 72, 50]);
}

fn entry(c: &mut Canvas, outside: bool) {
    let wall = if outside { BRICK } else { WHITE };
    c.rect(0.0, 0.45, 0.6, 0.55, wall);
    c.disc(0.45, 0.62, 0.03, DARK);
    c.line((0.45, 0.62), (0.5, 0.98), 0.012, [20, 20, 20]);
}

fn outlet(c: &mut Canvas) {
    c.rect(0.42, 0.55, 0.14, 0.12, WHITE);
    c.disc(0.46, 0.61, 0.010, DARK);
    c.disc(0.52, 0.61, 0.010, DARK);
}

fn meter(c: &mut Canvas) {
    c.rect(0.42, 0.42, 0.16, 0.50, [220, 150, 30]);
    c.rect(0.44, 0.46, 0.12, 0.14, [150, 180, 150]);
    for key in 0..6 {
        c.disc(
            0.46 + 0.04 * f64::from(key % 3),
            0.70 + 0.08 * f64::from(key / 3),
            0.012,
            DARK,
        );
    }
}

fn boxed(c: &mut Canvas, body: Colour, detail: Colour) {
    c.rect(0.05, 0.60, 0.50, 0.28, body);
    for port in 0..5 {
        c.rect(0.08 + 0.09 * f64::from(port), 0.66, 0.06, 0.06, detail);
    }
}

fn lights(c: &mut Canvas) {
    c.rect(0.08, 0.58, 0.46, 0.20, WHITE);
    for light in 0..5 {
        c.disc(0.14 + 0.08 * f64::from(light), 0.64, 0.008, GREEN);
    }
    c.line((0.30, 0.78), (0.34, 0.98), 0.01, DARK);
}

fn clutter(c: &mut Canvas, random: &mut Rng) {
    for _ in 0..40 {
        let mut fraction = || random.u64(..1000) as f64 / 1000.0;
        let (x, y, r) = (fraction(), fraction(), fraction() * 0.05);
        let colour = [
            random.u64(..200) as u8,
            random.u64(..200) as u8,
            random.u64(..200) as u8,
        ];
        c.disc(x, y, r, colour);
    }
}
