//! Parts of matrices by rows or columns. ndarray's own slicing macro carries an allowance for
//! unsafe code, which this workspace forbids; its functions do not.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};

/// The rows of `range`.
pub(super) fn rows<S>(mut view: ArrayView2<'_, S>, range: Range<usize>) -> ArrayView2<'_, S> {
    view.slice_axis_inplace(Axis(0), Slice::from(range));
    view
}

/// The columns of `range`.
pub(super) fn columns<S>(mut view: ArrayView2<'_, S>, range: Range<usize>) -> ArrayView2<'_, S> {
    view.slice_axis_inplace(Axis(1), Slice::from(range));
    view
}

/// The rows of `range`, to be written.
pub(super) fn rows_mut<S>(
    mut view: ArrayViewMut2<'_, S>,
    range: Range<usize>,
) -> ArrayViewMut2<'_, S> {
    view.slice_axis_inplace(Axis(0), Slice::from(range));
    view
}

/// The columns of `range`, to be written.
pub(super) fn columns_mut<S>(
    mut view: ArrayViewMut2<'_, S>,
    range: Range<usize>,
) -> ArrayViewMut2<'_, S> {
    view.slice_axis_inplace(Axis(1), Slice::from(range));
    view
}
