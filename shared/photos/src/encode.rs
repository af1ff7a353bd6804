//! Encoding, with 4:2:0 chroma, as phones do.

use image::GrayImage;
use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, ImageBuffer, JpegColorType, QuantizationTableType,
    SamplingFactor,
};

use super::PhotoError;
use super::scale::Upright;

/// The quantisation of chroma that ITU-T T.81 (Annex K) gives, row by row.
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Encodes a picture, without any metadata.
pub(super) fn encode(
    picture: &Upright,
    quality: u8,
    chroma_quality: Option<u8>,
) -> Result<Vec<u8>, PhotoError> {
    let (width, height) = picture.size();
    let (Ok(wide), Ok(high)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(PhotoError::Processing(
            "the picture is larger than a JPEG can be".into(),
        ));
    };
    let mut jpeg = Vec::with_capacity(width as usize * height as usize / 3);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if let Some(chroma) = chroma_quality {
        let table =
            QuantizationTableType::Custom(Box::new(CHROMA.map(|factor| scaled(factor, chroma))));
        encoder.set_quantization_tables(QuantizationTableType::Default, table);
    }
    let encoded = match picture {
        Upright::Grey(luma) => encoder.encode(luma.as_raw(), wide, high, ColorType::Luma),
        Upright::YCbCr(planes) => {
            // Each chroma sample is given four times: the nearest is it.
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Nearest);
            encoder.encode_image(Halved {
                planes,
                size: (wide, high),
            })
        }
        Upright::Rgb(picture) => {
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
            encoder.encode(picture.as_raw(), wide, high, ColorType::Rgb)
        }
    };
    encoded.map_err(|cause| PhotoError::Processing(cause.to_string()))?;
    Ok(jpeg)
}

/// A factor at this quality, as libjpeg scales them.
fn scaled(factor: u16, quality: u8) -> u16 {
    let quality = u16::from(quality.clamp(1, 100));
    let percent = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    u16::try_from((u32::from(factor) * u32::from(percent) + 50) / 100)
        .unwrap_or(255)
        .clamp(1, 255)
}

/// Luma, and chroma at half of its size.
struct Halved<'a> {
    planes: &'a [GrayImage; 3],
    size: (u16, u16),
}

impl ImageBuffer for Halved<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0
    }

    fn height(&self) -> u16 {
        self.size.1
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let width = usize::from(self.size.0);
        let [luma, blue, red, _] = buffers;
        let [from_luma, from_blue, from_red] = self.planes;
        luma.extend_from_slice(row(from_luma, y.into()));
        for (to, from) in [(blue, from_blue), (red, from_red)] {
            let end = to.len() + width;
            to.extend(
                row(from, usize::from(y) / 2)
                    .iter()
                    .flat_map(|sample| [*sample; 2]),
            );
            to.truncate(end);
        }
    }
}

fn row(plane: &GrayImage, y: usize) -> &[u8] {
    let width = plane.width() as usize;
    plane
        .as_raw()
        .get(y * width..(y + 1) * width)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn the_same_quality_for_chroma_is_what_the_encoder_does_by_itself() {
        let picture = RgbImage::from_fn(80, 60, |x, y| {
            image::Rgb([x as u8 * 3, y as u8 * 4, (x * y) as u8])
        });
        let of = |quality, chroma| encode(&Upright::Rgb(picture.clone()), quality, chroma).unwrap();
        for quality in [1, 30, 49, 50, 80, 100] {
            assert_eq!(of(quality, None), of(quality, Some(quality)), "{quality}");
        }
        assert!(of(85, Some(60)).len() < of(85, None).len());
    }
}
