"""Letters that look like a Latin letter or a digit but are another one, for reading what a person would read.

Made from Unicode's confusables (as packaged by confusable-homoglyphs, MIT) for single letters that compatibility
decomposition does not resolve, with the letters of faux Cyrillic, faux Greek and small capitals added. A letter that
stands for `l` as well as for `i` is listed under `1`, which stands for both. Nothing here decides what is refused.
"""

LOOK_ALIKES = {
    "1": "ΙІӀ۱ᛁ⏽Ⲓⵏꓲ𐊊𐌉𐌠𖼨",
    "2": "ƧϨᒿꙄꛯꝚ",
    "3": "ƷȜЗӠⳌꝪꞫ𑣊𖼻𝈆",
    "4": "Ꮞ𑢯",
    "5": "Ƽ𑢻",
    "6": "ᏮⳒ𑣕",
    "7": "𐓒𑣆𝈒",
    "8": "Ȣȣ৪੪𐌚",
    "9": "৭੧୨൭ⳊꝮ𑢬𑣌𑣖",
    "a": "ɐɑΑΛαАадᎪᗅᴀ∀⍺ꓮ𐊠𖽀",
    "b": "ƄʙΒВЬбвьᏏᏴᑲᖯᗷẞꓐꞴ𐊂𐊡𐌁",
    "c": "©ɔСсᏟᴄↄⲤⲥꓚꮯ𐊢𐌂𐐕𐐽𐔜𑣩𑣲🝌",
    "d": "ðđɖδԀԁᎠᏧᑯᗞᗪᴅꓒꓓ",
    "e": "ǝɘΕΣεξЕЭеэѐєҽәᎬᴇ℮ⴹꓰꬲ𐊆𑢦𑢮",
    "f": "ϜքᖴẝꓝꜰꞘꞙꬵ𐊇𐊥𐔥𑢢𑣂𝈓",
    "g": "ƍɡɢԌցᏀᏳᶃꓖ",
    "h": "ħʜΗЋНнђћһհᎻᏂᕼⲎꓧ𐋏",
    "i": "ıɨɩɪͺιіїӏᎥ⍳ꙇꭵ𑣃",
    "j": "ͿϳЈјᎫᒍᴊꓙꞲ",
    "k": "ΚκКқᏦᛕᴋⲔꓗ𐔘",
    "l": "łƖƚǀɭʟᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖𝈪",
    "m": "ΜϺϻМмᎷᗰᛖᴍⲘꓟ𐊰𐌑",
    "n": "ŋɴΝηИипոռⲚꓠ𐔓",
    "o": "øɵΘΟθοσОофөՕօ۵०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᴏᴑⲞⲟⵔ〇ꓳꬽ𐊒𐊫𐐄𐐬𐓂𐓪𐔖𑓐𑢵𑣈𑣗𑣠",
    "p": "þƿΡρРрᏢᑭᴘ⍴Ⲣⲣꓑ𐊕",
    "q": "ԛգզⵕ",
    "r": "ƦɹʀгяᎡᏒᖇᴦⲅꓣꭇꭈꮁ𐒴𖼵𝈖",
    "s": "ƽЅѕՏᏕᏚꓢꜱꮪ𐊖𐐠𐑈𑣁𖼺",
    "t": "ŧʇΤτТтᎢᴛⲦꓔ𐊗𐊱𐌕𑢼𖼊🝨",
    "u": "ʊʋμυцՍսሀᑌᴜꓴꞟꭎꭒ𐓎𐓶𑢸𑣘𖽂",
    "v": "νѴѵ۷Ꮩᐯᴠⴸꓦꛟꮩ𐔝𑜆𑢠𑣀𖼈𝈍",
    "w": "ɯʍΨωшщѡԜԝաᎳᏔᴡꓪꮃ𑜊𑜎𑜏𑣦𑣯",
    "x": "ΧХжхᕁᕽ᙭ᚷ╳ⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬",
    "y": "ɣʎʏΥγУучҮүყᎩᎽᶌỿⲨꓬꭚ𐊲𑢤𑣜𖽃",
    "z": "ʐΖᏃᴢꓜꮓ𐋵𑢩𑣄𑣥",
}
