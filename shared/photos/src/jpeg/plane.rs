//! One component's samples.

/// Samples of a component, row by row, with those that fill up the last blocks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    pub(crate) samples: Vec<u8>,
    /// Samples of a row, filling included.
    pub(crate) stride: usize,
    /// The part that is the photo, in samples: fractional, since a photo's edge need not fall on a sample's.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Plane {
    /// Rows, filling included.
    pub(crate) fn rows(&self) -> usize {
        self.samples.len() / self.stride.max(1)
    }

    /// Repeats the photo's last column and row into the filling: what files hold there is anybody's guess, and the
    /// resizer looks across the edge.
    pub(super) fn fill_up(&mut self) {
        let (wide, high) = (self.width.ceil() as usize, self.height.ceil() as usize);
        for row in self.samples.chunks_exact_mut(self.stride.max(1)) {
            if let Some((own, filling)) = row.split_at_mut_checked(wide)
                && let Some(last) = own.last()
            {
                filling.fill(*last);
            }
        }
        let stride = self.stride;
        if let Some((own, filling)) = self.samples.split_at_mut_checked(high * stride)
            && let Some(last) = own.len().checked_sub(stride).and_then(|at| own.get(at..))
        {
            filling
                .chunks_exact_mut(stride.max(1))
                .for_each(|row| row.copy_from_slice(last));
        }
    }
}
