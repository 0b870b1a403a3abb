#pragma once

#include <caropig/web/handler.h>

#include <string>

/// \file
/// Files of a folder as responses.
namespace caropig::web {

/// A handler for a route with one parameter, the path below `folder`: `app.get("/static/{path:path}",
/// static_files(dir))`. Regular files below the folder only: "..", absolute paths and links that lead out of it are 404
/// (the kernel resolves the path beneath the folder), and so are folders and everything that is no file. The content
/// type goes by the name's ending. HEAD and If-Modified-Since are answered; a file that shrinks while it is sent closes
/// the connection. Throws IoError when the folder can't be opened.
[[nodiscard]] Handler static_files(const std::string& folder);

}  // namespace caropig::web
