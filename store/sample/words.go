package sample

// What names are put together from. Companies and people are common words of Japan; domains are
// those reserved for examples.
var (
	families = []string{
		"佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木", "山口", "松本",
		"井上", "木村", "林", "斎藤", "清水", "山崎", "森", "池田", "橋本", "阿部", "石川", "山下", "中島", "石井", "小川",
		"前田", "岡田", "長谷川", "藤田", "後藤", "近藤", "村上", "遠藤", "青木", "坂本", "斉藤", "福田", "太田", "西村", "藤井",
		"金子", "岡本", "藤原", "三浦", "中野", "中川", "原田", "松田", "竹内", "小野", "田村", "中山", "和田", "石田", "森田",
		"上田", "原", "内田", "柴田", "酒井", "宮崎", "横山", "高木", "安藤", "宮本", "大野", "小島", "谷口", "今井", "工藤",
	}
	places = []string{
		"札幌", "旭川", "仙台", "盛岡", "秋田", "会津", "水戸", "宇都宮", "前橋", "川越", "千葉", "船橋", "八王子", "横浜", "湘南",
		"新潟", "富山", "金沢", "福井", "甲府", "信州", "岐阜", "浜松", "駿河", "名古屋", "三河", "伊勢", "近江", "京都", "大阪",
		"堺", "神戸", "播磨", "奈良", "和歌山", "山陰", "岡山", "広島", "周南", "徳島", "讃岐", "松山", "土佐", "福岡", "北九州",
		"佐賀", "長崎", "熊本", "大分", "日向", "鹿児島", "沖縄",
	}
	stems = []string{
		"東洋", "日新", "三和", "大和", "太陽", "昭栄", "共栄", "丸善", "丸光", "丸一", "協和", "明和", "光洋", "旭", "富士見",
		"平和", "新生", "みどり", "あおば", "さくら", "ひかり", "若葉", "千代田", "東亜", "中央", "第一", "北斗", "南海", "瑞穂", "扇",
		"アサヒ", "サンライズ", "フジ", "ミナト", "ナカムラ", "ヤマト", "タカノ", "ミライ", "アクア", "グリーン",
	}
	trades = []string{
		"商事", "工業", "製作所", "建設", "電機", "運輸", "食品", "印刷", "不動産", "物産", "産業", "興業", "精機", "化学", "金属",
		"鉄工所", "工務店", "設備", "塗装", "造園", "水産", "製菓", "酒造", "繊維", "木材", "硝子", "紙業", "薬局", "書店", "自動車",
		"モータース", "システム", "ソフト", "デザイン", "設計", "測量設計", "警備保障", "倉庫", "物流", "観光", "トラベル", "フーズ", "ファーム", "テック", "サービス",
	}
	clinics = []string{"内科クリニック", "歯科医院", "整形外科", "眼科", "こどもクリニック", "病院", "皮フ科クリニック", "耳鼻咽喉科"}
	virtues = []string{"誠心", "慈恵", "仁愛", "清和", "博愛", "恵和", "愛育", "清風", "明徳", "和光", "青雲", "聖和"}

	departments      = []string{"営業部", "総務部", "経理部", "製造部", "受付", "開発課", "物流課", "人事部", "本社", "工場"}
	departmentsLatin = []string{"EIGYO", "SOUMU", "KEIRI", "SEIZO", "UKETSUKE", "KAIHATSU", "HONSHA", "KOJO", "JINJI", "SOKO"}
	mailboxes        = []string{"kanri", "soumu", "info", "system", "keiri", "joho", "honsha", "it-tanto"}
	contactRoles     = []string{"ご担当者", "情報システム ご担当者", "総務部 ご担当者", "管理部長", "システム管理者"}

	desktopOS = []string{
		"Windows 11 Pro", "Windows 11 Pro", "Windows 11 Pro", "Windows 11 Pro", "Windows 11 Pro", "Windows 11 Home", "Windows 11 Home",
		"Windows 11 Enterprise", "Windows 11 Enterprise", "Windows 10 Pro", "Windows 10 Pro", "Windows 10 Enterprise LTSC", "macOS 15", "macOS 14",
	}
	serverOS       = []string{"Windows Server 2022 Standard", "Windows Server 2019 Standard", "Windows Server 2016 Standard", "Windows Server 2025 Standard"}
	mobileOS       = []string{"iOS 18", "iOS 17", "Android 15", "Android 14", "iPadOS 18"}
	oldDesktopOS   = []string{"Windows 7 Professional", "Windows 8.1 Pro", "macOS 10.15"}
	oldServerOS    = []string{"Windows Server 2008 R2", "Windows Server 2012 R2"}
	oldMobileOS    = []string{"Android 8", "iOS 13"}
	spywareNames   = []string{"ADW_OPENCANDY", "ADW_INSTALLCORE", "ADW_BROWSEFOX", "ADW_DEALPLY", "HKTL_MIMIKATZ64", "HKTL_KEYGEN", "HKTL_RADMIN", "PUA.Win32.DriverPack.SM", "PUA.Win32.SoftCNApp.A", "PUA.Win32.InstallMonster.B", "Adware.Win32.FusionCore.K", "Adware.MacOS.Bundlore.PF", "SPYW_ARDAMAX", "PUA_KMSPico.GA", "CRCK_KEYGEN", "HackTool.Win64.Gsecdump.AE"}
	oldVirusNames  = []string{"Eicar_test_file", "WORM_DOWNAD.A", "WORM_GAMARUE.ITK", "TROJ_Generic.DIT", "JS_EXPLOIT.SMDN", "PE_SALITY.RL", "PE_VIRUX.J", "TSPY_EMOTET.SMD3", "BKDR_ANDROM.ETIN", "X97M_DONOFF.D", "HTML_PHISH.QNM", "Ransom_CERBER.BZC", "VBS_DUNIHI.ELDSAVJ", "Mal_OtorunN", "Possible_OLGM-4"}
	networkNames   = []string{"MS17-010 Windows SMB Remote Code Execution", "MS08-067 Server Service Vulnerability", "Malicious_identified_CnC_querying_on_UDP_detected", "Malicious_CnC_access_on_TCP_blocked", "NETWORK_WORM_DOWNAD", "SMB_BRUTEFORCE_LOGON", "RDP_BRUTEFORCE_LOGON", "CVE-2020-0796 SMBv3 Compression", "CVE-2021-44228 Log4j Lookup", "Apache HTTP Server 'mod_sed' Denial Of Service Vulnerability (CVE-2022-30522)", "PORT_SCAN_DETECTED", "WORM_SQLP1434.A"}
	programs       = []string{"powershell.exe", "cmd.exe", "wscript.exe", "mshta.exe", "rundll32.exe", "regsvr32.exe", "EXCEL.EXE", "WINWORD.EXE", "setup.exe", "update.exe", "AnyDesk.exe", "TeamViewer_Setup.exe", "給与計算2024.exe", "見積書作成ツール.exe", "7zFM.exe", "chrome.exe", "schtasks.exe", "wmic.exe", "在庫管理.exe", "svch0st.exe"}
	categories     = []string{"ソーシャルネットワーク", "ストリーミングメディア/MP3", "Web広告", "オンラインショッピング", "ゲーム", "フィッシング", "新しく確認されたドメイン", "ギャンブル", "オークション", "アダルト/成人向けコンテンツ", "個人ネットワークストレージ", "ソフトウェアのダウンロード", "P2P", "チャット/インスタントメッセージ", "違法/疑わしいサイト", "スパイウェア", "不正プログラムの配布元", "ランサムウェア", "出会い系", "株式取引", "C&Cサーバ", "プロキシ回避", "アルコール/タバコ", "音楽配信"}
	trojanFamilies = []string{"FRS", "EMOTET", "QAKBOT", "AGENTTESLA", "FORMBOOK", "ICEDID", "REDLINE", "LOKI", "ASYNCRAT", "DLOADR"}
	ransomFamilies = []string{"LOCKBIT", "AKIRA", "PHOBOS", "MAKOP", "BLACKBASTA", "CONTI"}
	otherTypes     = []string{"Backdoor.Win32.COBEACON", "Coinminer.Win64.MALXMR", "Worm.Win32.PHORPIEX", "Trojan.JS.DOWNLOADER", "Trojan.X97M.POWLOAD", "Trojan.LNK.BOXTER", "TrojanSpy.MSIL.NEGASTEAL"}
	urlHosts       = []string{"login-update.example.com", "cdn.example.net", "ads.example.com", "secure-payment.example.org", "download.example.net", "tracking.example.com", "www.example.org", "takuhai-fuzai.example.jp", "bank-kakunin.example.jp", "present-campaign.example.com"}
	urlPaths       = []string{"/", "/login.php", "/index.html?id=", "/wp-content/plugins/a.js?v=", "/download/setup.exe?t=", "/ja/kakunin?c=", "/banner/300x250.js?r=", "/invoice/view.aspx?doc="}
	folders        = []string{`C:\Users\user\Downloads\`, `C:\Users\user\AppData\Local\Temp\`, `C:\Windows\Temp\`, `D:\共有\総務\`, `C:\ProgramData\`, `\\FILESV01\共有\営業\`, `E:\`}
	files          = []string{"請求書.xls", "invoice.zip", "見積書_修正版.doc", "a.exe", "setup.exe", "update.dll", "Report.js", "readme.html", "写真.scr", "納品書.lnk"}
	eventObjects   = []string{"powershell.exe", "evil.ps1", "rundll32.exe", "certutil.exe", "mimikatz.exe", "PsExec.exe", "請求書.xlsm", "svch0st.exe", "winupdate.vbs", "wmiprvse.exe", "AnyDesk.exe", "a.dll"}
	eventHosts     = []string{"c2.example.net", "203.0.113.24", "198.51.100.7", "http://download.example.net/a.ps1", "192.0.2.88"}
	eventRegistry  = []string{`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\updater`, `HKCU\Software\Classes\ms-settings\shell\open\command`}
)
