// What owns memory, in the namespace of an instruction set: the linker may merge the standard library's by name.

template <class X>
class Array {
   public:
    explicit Array(Index size) : size_(size), at_(size) {}
    Array(const X* from, Index size) : Array(size) {
        for (Index k = 0; k < size; ++k) at_[k] = from[k];
    }

    X& operator[](Index k) { return at_[k]; }
    const X& operator[](Index k) const { return at_[k]; }
    Index size() const { return size_; }

   private:
    Index size_;
    Scratch<X> at_;
};

template <class X>
class Owner {
   public:
    explicit Owner(X* owned) : owned_(owned) {}
    ~Owner() { delete owned_; }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    X* operator->() const { return owned_; }

   private:
    X* owned_;
};

template <class X>
class Owners {
   public:
    explicit Owners(Index most) : owned_(most) {}
    ~Owners() {
        for (Index k = 0; k < size_; ++k) delete owned_[k];
    }
    Owners(const Owners&) = delete;
    Owners& operator=(const Owners&) = delete;
    void add(X* owned) { owned_[size_++] = owned; }
    const X& operator[](Index k) const { return *owned_[k]; }
    Index size() const { return size_; }

   private:
    Array<X*> owned_;
    Index size_ = 0;
};
