#pragma once

// What of SQLite is variadic, which Swift cannot call. Declares nothing of SQLite's own: that is
// imported through GRDB, and one declaration in two modules is ambiguous.

// Has SQLite not count the memory it takes, which costs a lock around every piece of it: some
// eighty for a record. Nothing here asks for the count. Before SQLite is first used; returns its
// result code.
int csqlite_leave_memory_uncounted(void);

// Has databases that are opened from now on survive that the file with their log's index
// (`-shm`) is cut off while it is mapped, which would end the process. What is lost of it SQLite
// makes anew from the log; a change that was being made is taken back. Returns SQLite's result code.
int csqlite_guard_index(void);
