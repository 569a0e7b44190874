// Means and deviations of columns. Included inside the namespace of an instruction set.

// The sum of function(x) over a column, register by register and then in a fixed order.
template <class T, class Function>
inline double sum_of(Matrix<const T> x, Index n, Index column, Function function) {
    constexpr int wide = lanes<double>;
    Vec<double> total{};
    double rest = 0;
    Index r = 0;
    for (; r + wide <= n; r += wide) {
        Vec<double> v;
        for (int l = 0; l < wide; ++l) v[l] = double(x(r + l, column));
        total += function(v);
    }
    for (; r < n; ++r) rest += function(all<double>(double(x(r, column))))[0];
    return sum<double>(total) + rest;
}

// Twice over each column, the second time about its mean: a constant has deviation 0.
template <class T>
void deviations(Matrix<const T> x, Index n, Index columns, double* mean, double* deviation) {
    for (Index i = 0; i < columns; ++i) {
        const double centre = n > 0 ? sum_of<T>(x, n, i, [](Vec<double> v) { return v; }) / double(n) : 0.0;
        const auto square = [centre](Vec<double> v) { return (v - centre) * (v - centre); };
        mean[i] = centre;
        deviation[i] = n > 1 ? __builtin_sqrt(sum_of<T>(x, n, i, square) / double(n - 1)) : 0.0;
    }
}
