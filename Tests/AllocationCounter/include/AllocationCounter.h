#pragma once

// Nothing is called from here: the library is loaded in front of the C library, see the source.
