#include "cpage.h"

// C23's #embed makes the files a part of the program, and the build knows that it depends on them.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "../../Sources/Dashboard/Assets/index.html"
};
static const unsigned char login_html[] = {
#embed "../../Sources/Dashboard/Assets/login.html"
};
static const unsigned char style_css[] = {
#embed "../../Sources/Dashboard/Assets/style.css"
};
static const unsigned char dom_js[] = {
#embed "../../Sources/Dashboard/Assets/dom.js"
};
static const unsigned char app_js[] = {
#embed "../../Sources/Dashboard/Assets/app.js"
};
static const unsigned char views_js[] = {
#embed "../../Sources/Dashboard/Assets/views.js"
};
static const unsigned char call_js[] = {
#embed "../../Sources/Dashboard/Assets/call.js"
};
static const unsigned char login_js[] = {
#embed "../../Sources/Dashboard/Assets/login.js"
};

#define ENTRY(name) {name, sizeof(name)}

static const cpage_asset_t assets[] = {ENTRY(index_html), ENTRY(login_html), ENTRY(style_css),
                                       ENTRY(dom_js), ENTRY(app_js), ENTRY(views_js),
                                       ENTRY(call_js),   ENTRY(login_js)};

cpage_asset_t cpage_asset(int index) { return assets[index]; }
