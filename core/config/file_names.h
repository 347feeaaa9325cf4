#pragma once

/* Names from the configuration that become names of files in an instance's state directory. Each tells what
 * is wrong with a name, as the end of a sentence that begins with the name, or NULL. Static text. */

const char *file_names_complain_of_process(const char *name);
const char *file_names_complain_of_channel(const char *name);
