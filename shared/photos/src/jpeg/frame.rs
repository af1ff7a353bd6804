//! A JPEG's frame: its size and components.

use super::JpegError;

/// A component, in blocks of 8 × 8 samples.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks of one unit (MCU), across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) quantisation: u8,
    /// Blocks of its own samples.
    pub(super) own_wide: usize,
    pub(super) own_high: usize,
    /// Blocks with those that fill up the last units.
    pub(super) wide: usize,
    pub(super) high: usize,
    /// Samples, fractional where the photo's pixels do not fill the last one.
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What the frame header says.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    /// Units across and down.
    pub(super) units_wide: usize,
    pub(super) units_high: usize,
}

impl Frame {
    /// Reads the header that follows the marker `SOFn`.
    pub(super) fn read(marker: u8, payload: &[u8]) -> Result<Self, JpegError> {
        let damaged = JpegError::Damaged("the frame header is too short");
        let (Some(&[precision, h1, h0, w1, w0, count]), Some(rest)) =
            (payload.first_chunk(), payload.get(6..))
        else {
            return Err(damaged);
        };
        if let Some(what) = unsupported(marker, precision, count) {
            return Err(JpegError::Unsupported(what));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let described: Vec<[u8; 3]> = rest
            .as_chunks()
            .0
            .iter()
            .take(count.into())
            .copied()
            .collect();
        if described.len() != usize::from(count) || count == 0 {
            return Err(damaged);
        }
        let (width, height) = (u32::from(width), u32::from(height));
        let mut frame = Self {
            width,
            height,
            progressive: marker == 0xC2,
            components: vec![],
            units_wide: 0,
            units_high: 0,
        };
        frame.lay_out(&described)?;
        Ok(frame)
    }

    fn lay_out(&mut self, described: &[[u8; 3]]) -> Result<(), JpegError> {
        let factors = |sampling: u8| (usize::from(sampling >> 4), usize::from(sampling & 15));
        // A lone component has no units to share: its factors mean nothing.
        let alone = described.len() == 1;
        let of = |sampling: u8| if alone { (1, 1) } else { factors(sampling) };
        if described.iter().any(|[_, sampling, _]| {
            !(1..=4).contains(&factors(*sampling).0) || !(1..=4).contains(&factors(*sampling).1)
        }) {
            return Err(JpegError::Damaged("sampling factors that do not exist"));
        }
        let most_across = described
            .iter()
            .map(|[_, sampling, _]| of(*sampling).0)
            .max()
            .unwrap_or(1);
        let most_down = described
            .iter()
            .map(|[_, sampling, _]| of(*sampling).1)
            .max()
            .unwrap_or(1);
        self.units_wide = (self.width as usize).div_ceil(8 * most_across);
        self.units_high = (self.height as usize).div_ceil(8 * most_down);
        for [id, sampling, quantisation] in described.iter().copied() {
            let (across, down) = of(sampling);
            let own = |pixels: u32, factor: usize, most: usize| {
                (pixels as usize * factor).div_ceil(most).div_ceil(8)
            };
            let samples = |pixels: u32, factor: usize, most: usize| {
                f64::from(pixels) * factor as f64 / most as f64
            };
            self.components.push(Component {
                id,
                across,
                down,
                quantisation,
                own_wide: own(self.width, across, most_across),
                own_high: own(self.height, down, most_down),
                wide: self.units_wide * across,
                high: self.units_high * down,
                width: samples(self.width, across, most_across),
                height: samples(self.height, down, most_down),
            });
        }
        Ok(())
    }
}

/// What only few programs know.
fn unsupported(marker: u8, precision: u8, components: u8) -> Option<&'static str> {
    match (marker, precision, components) {
        (0xC0..=0xC2, 8, 1 | 3 | 4) => None,
        (0xC0..=0xC2, 8, _) => Some("an odd number of colours"),
        (0xC0..=0xC2, ..) => Some("12 bits for each colour"),
        (0xC9..=0xCB | 0xCD..=0xCF, ..) => Some("arithmetic coding"),
        (0xC3, ..) => Some("lossless coding"),
        _ => Some("several resolutions"),
    }
}
