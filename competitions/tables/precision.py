"""Up to which size integers survive as floats. Without pandas, so that modules that import it late can use it."""

LARGEST_EXACT = 1 << 53  # in float64: all integers up to this one are exact
LARGEST_EXACT_SINGLE = 1 << 24  # in float32
