// What the library was built from.

#include "spans.h"

extern "C" __attribute__((visibility("default"))) const char* sources_digest() { return SOURCES_DIGEST; }
