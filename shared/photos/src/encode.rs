//! Encoding, with 4:2:0 chroma, as phones do.

use image::GrayImage;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::PhotoError;
use super::scale::Upright;

/// Encodes a picture, without any metadata.
pub(super) fn encode(picture: &Upright, quality: u8) -> Result<Vec<u8>, PhotoError> {
    let (width, height) = picture.size();
    let (Ok(wide), Ok(high)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(PhotoError::Processing("the picture is larger than a JPEG can be".into()));
    };
    let mut jpeg = Vec::with_capacity(width as usize * height as usize / 3);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let encoded = match picture {
        Upright::Grey(luma) => encoder.encode(luma.as_raw(), wide, high, ColorType::Luma),
        Upright::YCbCr(planes) => {
            // Each chroma sample is given four times: the nearest is it.
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Nearest);
            encoder.encode_image(Halved { planes, size: (wide, high) })
        }
        Upright::Rgb(picture) => {
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
            encoder.encode(picture.as_raw(), wide, high, ColorType::Rgb)
        }
    };
    encoded.map_err(|cause| PhotoError::Processing(cause.to_string()))?;
    Ok(jpeg)
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
            to.extend(row(from, usize::from(y) / 2).iter().flat_map(|sample| [*sample; 2]));
            to.truncate(end);
        }
    }
}

fn row(plane: &GrayImage, y: usize) -> &[u8] {
    let width = plane.width() as usize;
    plane.as_raw().get(y * width..(y + 1) * width).unwrap_or_default()
}
